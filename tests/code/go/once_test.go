// A call that is not idempotent.
package orders

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestOnce(t *testing.T) {
	r, err503 := NewPaymentRetry(), errors.New("503")
	r.Base = 0
	for verdict, attempts := range map[Verdict]int{Unknown: 1, NotProcessed: 4} {
		tries := 0
		err := r.Do(t.Context(), func(context.Context) error { tries++; return err503 },
			func(error) (Verdict, time.Duration) { return verdict, 0 })
		if !errors.Is(err, err503) || tries != attempts {
			t.Errorf("verdict %v: %d attempts", verdict, tries)
		}
	}
}
