// Replays the trace table of the reference state machine; stops at the first row that differs.
package orders

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type row struct {
	number  int
	columns []string
}

type player struct {
	rows   []row
	next   int
	start  time.Time
	jitter time.Duration // quarters
}

func (r row) equal(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		fmt.Printf("row %d: %s is %v, the table says %v\n", r.number, what, got, want)
		os.Exit(1)
	}
}

func (r row) micros(column int) time.Duration {
	n, err := strconv.Atoi(r.columns[column])
	if err != nil {
		panic(err)
	}
	return time.Duration(n) * time.Microsecond
}

func (p *player) peek() string {
	if p.next == len(p.rows) {
		return "end"
	}
	return p.rows[p.next].columns[2]
}

func (p *player) take(op string) row {
	r := p.rows[p.next]
	p.next++
	r.equal("what comes next", op, r.columns[2])
	return r
}

func (p *player) nowIs(r row) { r.equal("the time", time.Since(p.start), r.micros(1)) }

func (p *player) sleepUntil(r row) { time.Sleep(r.micros(1) - time.Since(p.start)) }

// ends gives the error of an outcome as a client would return it.
func (r row) ends(ctx context.Context, cancel func()) error {
	after := time.Duration(0)
	if r.columns[5] != "-" {
		after = r.micros(5)
	}
	connection := func(op string, errno syscall.Errno) error {
		lost := &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
		return &url.Error{Op: "Post", URL: "/charges", Err: lost}
	}
	switch r.columns[4] {
	case "ok":
		return nil
	case "invalid":
		return &ReplyError{Final, 0, errors.New("400")}
	case "refused":
		return &ReplyError{NotProcessed, after, errors.New("429")}
	case "broken":
		return fmt.Errorf("charge: %w", &ReplyError{Broken, 0, errors.New("500")})
	case "unavailable":
		return &ReplyError{Unknown, after, errors.New("503")}
	case "unsent":
		return connection("dial", syscall.ECONNREFUSED)
	case "lost":
		return connection("read", syscall.ECONNRESET)
	case "timeout":
		return context.DeadlineExceeded
	case "cancelled":
		cancel()
		return ctx.Err()
	}
	return errors.New("fault")
}

type underWay struct{ end, ended chan row }

func (p *player) breaker(b *CircuitBreaker) {
	calls := map[string]underWay{}
	for slices.Contains([]string{"begin", "end"}, p.peek()) {
		r := p.take(p.peek())
		p.sleepUntil(r)
		r.equal("the state before", b.State(), r.columns[8])
		if r.columns[2] == "begin" {
			call := underWay{make(chan row), make(chan row)}
			calls[r.columns[3]] = call
			decided := make(chan string, 1)
			go func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				err := b.Do(ctx, func(ctx context.Context) error {
					decided <- "admitted"
					return (<-call.end).ends(ctx, cancel)
				}, calleeFailed)
				if errors.Is(err, ErrBreakerOpen) {
					decided <- "refused"
				}
				close(call.ended)
			}()
			r.equal("the decision", <-decided, r.columns[10])
		} else {
			call := calls[r.columns[3]]
			call.end <- r
			<-call.ended
		}
		r.equal("the state", b.State(), r.columns[9])
	}
}

func (p *player) call(c *PaymentClient) {
	r := p.take("call")
	p.sleepUntil(r)
	r.equal("the state before", c.Breaker.State(), r.columns[8])
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	result, fallback := "ok", "-"
	err := c.Do(ctx, func(ctx context.Context) error {
		r := p.take("attempt")
		p.nowIs(r)
		deadline, _ := ctx.Deadline()
		r.equal("the time given", time.Until(deadline), r.micros(7))
		r.equal("the state", c.Breaker.State(), r.columns[9])
		for p.peek() == "call" {
			p.call(c)
		}
		r = p.take("reply")
		p.jitter = time.Duration(r.micros(6) / time.Microsecond)
		result = r.columns[4]
		if result == "timeout" {
			<-ctx.Done()
			p.nowIs(r)
		} else {
			p.sleepUntil(r)
		}
		last = r.ends(ctx, cancel)
		return last
	}, func(err error) error {
		fallback = "asked"
		return err
	})
	switch {
	case errors.Is(err, ErrBreakerOpen):
		result = "breaker-open"
	case errors.Is(err, ErrBulkheadFull):
		result = "bulkhead-full"
	case err != last:
		result = err.Error()
	}
	r = p.take("done")
	p.nowIs(r)
	r.equal("the result", result, r.columns[10])
	r.equal("the fallback", fallback, r.columns[3])
	r.equal("the state", c.Breaker.State(), r.columns[9])
}

func TestTable(t *testing.T) {
	text, err := os.ReadFile("table.txt")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(*testing.T) {
		p := &player{start: time.Now()}
		for number, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if number > 0 {
				p.rows = append(p.rows, row{number, strings.Split(line, "\t")})
			}
		}
		for p.peek() != "end" {
			r := p.take(p.peek())
			p.sleepUntil(r)
			c := NewPaymentClient()
			if r.columns[2] == "breaker" {
				p.breaker(c.Breaker)
				continue
			}
			c.Retry.Idempotent = r.columns[3] == "orders"
			c.Retry.jitter = func(ceiling time.Duration) time.Duration { return ceiling * p.jitter / 4 }
			for p.peek() == "call" {
				p.call(c)
			}
		}
	})
}
