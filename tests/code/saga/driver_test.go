package trips

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var commands = []string{
	"CreateTrip", "CheckRider", "LockFare", "LogEntry", "AssignDriver", "ConfirmTrip", "CancelTrip", "ReleaseFare",
}

var failures = map[string]error{
	"refused": ErrRefused, "unavailable": errors.New("connection"), "timeout": context.DeadlineExceeded,
}

// A script fails the command with an error, so many times, and refuses another.
type script struct {
	err, command string
	times        int
	refusing     string
	cancel       context.CancelFunc
	done         []string
	keys         map[string]string
	tries        int
}

func (s *script) act(ctx context.Context, name, key string) error {
	if was, ok := s.keys[key]; ok && was != name {
		panic(key)
	}
	s.keys[key] = name
	if len(s.done) == 0 || s.done[len(s.done)-1] != name {
		s.done = append(s.done, name)
	}
	if name == s.command {
		s.tries++
	}
	if name == s.refusing {
		return ErrRefused
	}
	if name != s.command || s.tries > s.times {
		return nil
	}
	if err := failures[s.err]; err != nil {
		return err
	}
	if s.err == "cancelled" {
		s.cancel()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return nil
	}
}

func (s *script) CreateTrip(ctx context.Context, key string) error {
	return s.act(ctx, "CreateTrip", key)
}
func (s *script) CancelTrip(ctx context.Context, key string) error {
	return s.act(ctx, "CancelTrip", key)
}
func (s *script) CheckRider(ctx context.Context, key string) error {
	return s.act(ctx, "CheckRider", key)
}
func (s *script) LockFare(ctx context.Context, key string) error { return s.act(ctx, "LockFare", key) }
func (s *script) ReleaseFare(ctx context.Context, key string) error {
	return s.act(ctx, "ReleaseFare", key)
}
func (s *script) LogEntry(ctx context.Context, key string) error { return s.act(ctx, "LogEntry", key) }
func (s *script) AssignDriver(ctx context.Context, key string) error {
	return s.act(ctx, "AssignDriver", key)
}
func (s *script) ConfirmTrip(ctx context.Context, key string) error {
	return s.act(ctx, "ConfirmTrip", key)
}

func noSleep(ctx context.Context, d time.Duration) error {
	if d < 0 || d > 100*time.Second {
		panic(d)
	}
	return ctx.Err()
}

func run(t *testing.T, failure, command string, times int, refusing string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &script{err: failure, command: command, times: times, refusing: refusing, cancel: cancel, keys: map[string]string{}}
	start := time.Now()
	got := BookATrip(ctx, s, "trip-1", noSleep)
	end := "done"
	if got != nil {
		end = "stopped"
	}
	for name, is := range map[string]error{"TakenBack": ErrTakenBack, "Stuck": ErrStuck, "Unknown": ErrUnknown} {
		if errors.Is(got, is) {
			end = name
		}
	}
	if took := time.Since(start); took > 5*time.Second || failure == "slow" && took < 900*time.Millisecond {
		t.Error(failure, "took", took)
	}
	fmt.Println(failure, command, times, ">", strings.Join(s.done, " "), end, s.tries)
}

func TestEveryFailure(t *testing.T) {
	for _, failure := range []string{"refused", "unavailable", "timeout"} {
		for _, command := range commands {
			run(t, failure, command, 3, "")
			run(t, failure, command, 1000, "AssignDriver")
		}
	}
	run(t, "slow", "LockFare", 1, "")
	for _, command := range []string{"LockFare", "AssignDriver", "ConfirmTrip"} {
		run(t, "cancelled", command, 1, "")
	}
}

func TestOneWhoGivesUpBeforeThePivotBeginsHasAllTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := &script{keys: map[string]string{}}
	if err := BookATrip(ctx, s, "trip-1", noSleep); !errors.Is(err, ErrTakenBack) || len(s.done) > 0 {
		t.Fatal(s.done, err)
	}
}

func TestAPauseThatEndsBehindThePivotIsNoSuccess(t *testing.T) {
	gone := errors.New("the engine is gone")
	s := &script{err: "unavailable", command: "ConfirmTrip", times: 1, keys: map[string]string{}}
	stop := func(context.Context, time.Duration) error { return gone }
	if err := BookATrip(context.Background(), s, "trip-1", stop); !errors.Is(err, gone) {
		t.Fatal(err)
	}
}
