// Exercises the three Go samples; inside a synctest bubble time passes only while all wait.
package orders

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errCallee = errors.New("503")
var errCaller = errors.New("400")

func counts(err error) bool { return errors.Is(err, errCallee) }

// calls makes n calls with one result and says how many were admitted.
func calls(b *CircuitBreaker, n int, result error) (admitted int) {
	for range n {
		err := b.Do(context.Background(), func(context.Context) error { admitted++; return result }, counts)
		if err != nil && !errors.Is(err, result) && !errors.Is(err, ErrBreakerOpen) {
			panic(err)
		}
	}
	return admitted
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestBreakerTripsProbesAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewPaymentBreaker()
		want(t, "successes", calls(b, 2, nil), 2)
		want(t, "client errors", calls(b, 3, errCaller), 3)
		want(t, "failures", calls(b, 4, errCallee), 4)
		want(t, "below the minimum", calls(b, 1, errCallee), 1)
		want(t, "open", calls(b, 7, nil), 0)
		time.Sleep(4999 * time.Millisecond)
		want(t, "still open", calls(b, 1, nil), 0)
		time.Sleep(time.Millisecond)

		release := make(chan error)
		var group sync.WaitGroup
		probe := func(ctx context.Context) {
			group.Go(func() {
				_ = b.Do(ctx, func(context.Context) error { return <-release }, counts)
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(context.Background())
		probe(context.Background())
		probe(context.Background())
		probe(ctx)
		want(t, "three probes are under way", calls(b, 1, nil), 0)
		cancel()
		release <- nil
		release <- nil
		release <- context.Canceled
		group.Wait()
		synctest.Wait()
	})
}

func TestCancelledProbeGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewPaymentBreaker()
		calls(b, 10, errCallee)
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for range 5 {
			_ = b.Do(ctx, func(ctx context.Context) error { return ctx.Err() }, counts)
		}
		func() {
			defer func() { _ = recover() }()
			_ = b.Do(context.Background(), func(context.Context) error { panic("probe") }, counts)
		}()
		want(t, "two probes", calls(b, 2, nil), 2)
		want(t, "a failed probe", calls(b, 1, errCallee), 1)
		want(t, "opens again", calls(b, 1, nil), 0)
		time.Sleep(5 * time.Second)
		want(t, "three probes close", calls(b, 3, nil), 3)
		want(t, "empty window", calls(b, 9, errCallee), 9)
		want(t, "opens at ten", calls(b, 2, errCallee), 1)
	})
}

func TestBreakerForgetsAndDropsLateResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewPaymentBreaker()
		calls(b, 9, errCallee)
		time.Sleep(10 * time.Second)
		want(t, "a window later the first nine are gone", calls(b, 9, errCallee), 9)

		b = NewPaymentBreaker()
		for i := range 10 {
			_ = b.Do(context.Background(), func(context.Context) error {
				time.Sleep(time.Duration(239+i%2) * time.Millisecond)
				return nil
			}, counts)
		}
		want(t, "five of ten were slow", calls(b, 1, nil), 0)

		b = NewPaymentBreaker()
		var group sync.WaitGroup
		group.Go(func() {
			_ = b.Do(context.Background(), func(context.Context) error {
				time.Sleep(6 * time.Second)
				return errCallee
			}, counts)
		})
		synctest.Wait()
		calls(b, 10, errCallee)
		time.Sleep(5 * time.Second)
		want(t, "first probe", calls(b, 1, nil), 1)
		group.Wait()
		want(t, "a failure from before it opened does not count", calls(b, 2, nil), 2)
		want(t, "closed", calls(b, 5, nil), 5)
	})
}

func TestBreakerIsSharedByGoroutines(t *testing.T) {
	b := NewPaymentBreaker()
	b.OpenFor = 0
	calls(b, 10, errCallee)
	var admitted atomic.Int32
	var group, arrived sync.WaitGroup
	arrived.Add(32)
	for range 32 {
		group.Go(func() {
			err := b.Do(context.Background(), func(context.Context) error {
				admitted.Add(1)
				arrived.Done()
				arrived.Wait()
				return nil
			}, counts)
			if errors.Is(err, ErrBreakerOpen) {
				arrived.Done()
			}
			b.State() // as a metric reads it, under the race detector
		})
	}
	group.Wait()
	want(t, "probes of 32 goroutines", admitted.Load(), 3)
}

func unknown(error) (Verdict, time.Duration) { return Unknown, 0 }

func TestRetryCountsPausesAndKeepsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			r := NewPaymentRetry()
			start, last, tries := time.Now(), time.Now(), 0
			err := r.Do(t.Context(), func(ctx context.Context) error {
				ceiling := []time.Duration{0, 50, 100, 150}[tries] * time.Millisecond
				if pause := time.Since(last); pause > ceiling {
					t.Errorf("pause %d took %v", tries, pause)
				}
				tries++
				last = time.Now()
				deadline, _ := ctx.Deadline()
				want(t, "time for the attempt", time.Until(deadline), 300*time.Millisecond)
				return errCallee
			}, unknown)
			want(t, "error", err, errCallee)
			want(t, "attempts", tries, 4)
			if time.Since(start) > 300*time.Millisecond {
				t.Error("pauses are too long")
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, start, tries := NewPaymentRetry(), time.Now(), 0
		err := r.Do(t.Context(), func(ctx context.Context) error {
			tries++
			<-ctx.Done()
			return ctx.Err()
		}, unknown)
		want(t, "error", err, context.DeadlineExceeded)
		if tries < 3 || time.Since(start) > time.Second {
			t.Errorf("%d attempts in %v", tries, time.Since(start))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, start, tries := NewPaymentRetry(), time.Now(), 0
		_ = r.Do(t.Context(), func(context.Context) error { tries++; return errCallee },
			func(error) (Verdict, time.Duration) { return NotProcessed, 500 * time.Millisecond })
		want(t, "Retry-After twice does not fit", tries, 2)
		if waited := time.Since(start); waited < 500*time.Millisecond || waited > 550*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
		tries = 0
		_ = r.Do(t.Context(), func(context.Context) error { tries++; return errCallee },
			func(error) (Verdict, time.Duration) { return Final, 0 })
		want(t, "final", tries, 1)
		tries = 0
		err := r.Do(t.Context(), func(context.Context) error {
			if tries++; tries < 3 {
				return errCallee
			}
			return nil
		}, unknown)
		want(t, "third succeeds", err, nil)
	})
}

func TestRetryStopsWhenTheCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start, tries := NewPaymentRetry(), time.Now(), 0
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		_ = r.Do(ctx, func(context.Context) error { tries++; return errCallee },
			func(error) (Verdict, time.Duration) { return NotProcessed, 200 * time.Millisecond })
		want(t, "attempts", tries, 1)
		want(t, "stopped at once", time.Since(start), 10*time.Millisecond)
	})
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, retries := NewPaymentRetry(), -30
		for range 30 {
			_ = r.Do(t.Context(), func(context.Context) error { retries++; return errCallee }, unknown)
		}
		want(t, "ten in hand and 30 × 0.1 less the first", retries, 12)
	})
	r := NewPaymentRetry()
	r.Base = 0
	var retries atomic.Int32
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			_ = r.Do(context.Background(), func(context.Context) error { retries.Add(1); return errCallee }, unknown)
		})
	}
	group.Wait()
	if n := retries.Load() - 40; n < 10 || n > 14 {
		t.Errorf("%d retries of 40 goroutines", n)
	}
}

// same is a fallback without an answer.
func same(err error) error { return err }

func TestFallbackAnswers(t *testing.T) {
	lost := func(context.Context) error { return io.EOF }
	synctest.Test(t, func(t *testing.T) {
		err := NewPaymentClient().Do(t.Context(), lost, func(err error) error {
			want(t, "the call's own error", err, io.EOF)
			return nil
		})
		want(t, "answered", err, nil)
	})
}

func TestTimeoutsInsideARetryOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, made := NewPaymentClient(), 0
		var err error
		for range 5 {
			err = c.Do(t.Context(), func(ctx context.Context) error { made++; <-ctx.Done(); return ctx.Err() }, same)
		}
		want(t, "ten timeouts open it", made, 10)
		want(t, "an open breaker ends the retry", err, ErrBreakerOpen)
		want(t, "slots given back", len(c.Bulkhead), 0)
	})
	synctest.Test(t, func(t *testing.T) {
		for err, attempts := range map[error]int{
			&net.OpError{Op: "read", Err: errors.New("reset")}: 4,
			&url.Error{Op: "Post", Err: io.EOF}:                4,
			io.ErrUnexpectedEOF:                                4,
			errors.New("nil pointer"):                          1,
		} {
			c, made := NewPaymentClient(), 0
			_ = c.Do(t.Context(), func(context.Context) error { made++; return err }, same)
			want(t, err.Error(), made, attempts)
		}
	})
}

func TestBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewPaymentBulkhead()
		var running, most, refused atomic.Int32
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				defer func() { _ = recover() }()
				start := time.Now()
				err := b.Do(func() error {
					if now := running.Add(1); now > most.Load() {
						most.Store(now)
					}
					time.Sleep(80 * time.Millisecond)
					running.Add(-1)
					if i%3 == 0 {
						panic("call")
					}
					return nil
				})
				if errors.Is(err, ErrBulkheadFull) {
					refused.Add(1)
					want(t, "refused at once", time.Since(start), 0)
				}
			})
		}
		group.Wait()
		want(t, "at a time", most.Load(), 4)
		want(t, "the others are refused", refused.Load(), 8)
		want(t, "slots given back", len(b), 0)
	})
}
