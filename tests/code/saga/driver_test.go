package trips

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var commands = []string{
	"CreateTrip", "CheckRider", "LockFare", "LogEntry", "AssignDriver", "ConfirmTrip", "CancelTrip", "ReleaseFare",
}

type script struct {
	failing     []string
	err         error
	times, sent int
	done        []string
	keys        map[string]string
}

func (s *script) act(name, key string) error {
	if was, ok := s.keys[key]; ok && was != name {
		panic(key)
	}
	s.keys[key] = name
	if len(s.done) == 0 || s.done[len(s.done)-1] != name {
		s.done = append(s.done, name)
	}
	if slices.Contains(s.failing, name) {
		s.sent++
		if s.sent <= s.times {
			return s.err
		}
	}
	return nil
}

func (s *script) CreateTrip(_ context.Context, key string) error   { return s.act("CreateTrip", key) }
func (s *script) CancelTrip(_ context.Context, key string) error   { return s.act("CancelTrip", key) }
func (s *script) CheckRider(_ context.Context, key string) error   { return s.act("CheckRider", key) }
func (s *script) LockFare(_ context.Context, key string) error     { return s.act("LockFare", key) }
func (s *script) ReleaseFare(_ context.Context, key string) error  { return s.act("ReleaseFare", key) }
func (s *script) LogEntry(_ context.Context, key string) error     { return s.act("LogEntry", key) }
func (s *script) AssignDriver(_ context.Context, key string) error { return s.act("AssignDriver", key) }
func (s *script) ConfirmTrip(_ context.Context, key string) error  { return s.act("ConfirmTrip", key) }

func noSleep(_ context.Context, d time.Duration) error {
	if d < 0 || d > 100*time.Second {
		panic(d)
	}
	return nil
}

func run(name string, err error, failing []string, times int) {
	s := &script{failing: failing, err: err, times: times, keys: map[string]string{}}
	end := "done"
	got := BookATrip(context.Background(), s, "trip-1", noSleep)
	for name, is := range map[string]error{"TakenBack": ErrTakenBack, "Stuck": ErrStuck, "Unknown": ErrUnknown} {
		if errors.Is(got, is) {
			end = name
		}
	}
	fmt.Println(name, strings.Join(failing, "+"), times, ">", strings.Join(s.done, " "), end)
}

func TestEveryFailure(t *testing.T) {
	for _, name := range []string{"refused", "unavailable", "timeout"} {
		err := map[string]error{
			"refused": ErrRefused, "unavailable": errors.New("connection"), "timeout": context.DeadlineExceeded,
		}[name]
		for _, command := range commands {
			run(name, err, []string{command}, 3)
			run(name, err, []string{"AssignDriver", command}, 1000)
		}
	}
}

func TestWhoeverGivesUpLeavesNothingHalfDone(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &script{failing: []string{"LockFare"}, err: errors.New("connection"), times: 1, keys: map[string]string{}}
	err := BookATrip(ctx, s, "trip-1", func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	})
	if want := "CreateTrip CheckRider LockFare CancelTrip"; strings.Join(s.done, " ") != want || !errors.Is(err, ErrTakenBack) {
		t.Fatal(s.done, err)
	}
}
