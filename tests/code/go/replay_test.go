// Replays the table of decisions line by line; inside a synctest bubble its times are exact.
package orders

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type replay struct {
	t     *testing.T
	lines []string
	at    int       // lines played
	start time.Time // of the script
	ended []string  // the last line that ended a call
}

func TestTable(t *testing.T) {
	text, err := os.ReadFile("table.txt")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := &replay{t: t, lines: strings.Split(strings.TrimSpace(string(text)), "\n")}
		for r.at < len(r.lines) {
			switch kind := r.next()[1]; kind {
			case "breaker":
				b := NewPaymentBreaker()
				state := func() string { return [...]string{"closed", "open", "half-open"}[b.state] }
				r.calls(func(ctx context.Context, call func(context.Context) error) error {
					return b.Do(ctx, call, counts)
				}, state)
			case "bulkhead":
				b := NewPaymentBulkhead()
				b.maxWait = 0
				r.calls(b.Do, nil)
			default:
				p := NewPaymentRetry()
				p.Idempotent = kind == "retry"
				r.logicalCalls(p)
			}
		}
	})
}

func (r *replay) next() []string {
	words := strings.Fields(r.lines[r.at])
	r.at++
	if words[0] == "script" {
		r.start = time.Now()
	}
	return words
}

func (r *replay) more() bool {
	return r.at < len(r.lines) && !strings.HasPrefix(r.lines[r.at], "script")
}

func (r *replay) want(what string, got, want any) {
	r.t.Helper()
	if got != want {
		r.t.Fatalf("line %d, %s: %s: got %v, want %v", r.at, r.lines[r.at-1], what, got, want)
	}
}

func micros(word string) time.Duration {
	n, err := strconv.Atoi(word)
	if err != nil {
		panic(err)
	}
	return time.Duration(n) * time.Microsecond
}

// calls plays lines up to the end of the innermost call and returns how that ends.
func (r *replay) calls(
	do func(context.Context, func(context.Context) error) error,
	state func() string,
) string {
	check := func(words []string) {
		if state != nil {
			r.want("state", state(), words[3])
		}
	}
	for r.more() {
		words := r.next()
		time.Sleep(micros(words[0]) - time.Since(r.start))
		if words[1] == "end" {
			r.ended = words
			return words[2]
		}
		ctx, cancel := context.WithCancel(context.Background())
		err := do(ctx, func(ctx context.Context) error {
			r.want("decision", "admitted", words[2])
			check(words)
			switch r.calls(do, state) {
			case "failed":
				return errCallee
			case "rejected":
				return errCaller
			case "cancelled":
				cancel()
			}
			return ctx.Err()
		})
		cancel()
		if errors.Is(err, ErrBreakerOpen) || errors.Is(err, ErrBulkheadFull) {
			r.want("decision", "refused", words[2])
			check(words)
		} else {
			check(r.ended)
		}
	}
	return ""
}

func (r *replay) logicalCalls(p *Retry) {
	verdicts := map[string]Verdict{"unknown": Unknown, "refused": NotProcessed, "final": Final}
	for r.more() {
		time.Sleep(micros(r.next()[0]) - time.Since(r.start))
		var words []string
		p.jitter = func(bound time.Duration) time.Duration {
			return (bound - 1) * time.Duration(micros(words[6]).Microseconds()) / 100
		}
		err := p.Do(context.Background(), func(ctx context.Context) error {
			words = r.next()
			r.want("line", words[1], "attempt")
			r.want("start", time.Since(r.start), micros(words[0]))
			deadline, _ := ctx.Deadline()
			r.want("timeout", time.Until(deadline), micros(words[2]))
			time.Sleep(micros(words[3]))
			if words[4] == "ok" {
				return nil
			}
			return errCallee
		}, func(error) (Verdict, time.Duration) { return verdicts[words[4]], micros(words[5]) })
		outcome := words[4]
		done := r.next()
		r.want("line", done[1], "done")
		r.want("outcome", outcome, done[2])
		r.want("success", err == nil, outcome == "ok")
		r.want("end", time.Since(r.start), micros(done[0]))
	}
}
