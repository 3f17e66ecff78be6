package check

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// TestCheckGoesOn interrupts a check after every page, and resumes in a new Checker.
func TestCheckGoesOn(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	c := fillChecked(t, redis.URL(), storage.Options{})
	c.do("zrem", c.ids(), layout.IDEntry("alice", "id/2"))
	c.do("zadd", c.ids(), c.sent[3].SendTime, "alice/7")
	c.do("zincrby", c.activity(), -1, "alice:bob")
	c.do("zadd", c.log(), c.sent[3].SendTime-1, "x")
	c.do("set", c.layout.Prefix+":what", 1)
	for _, repair := range []bool{false, true} {
		want := c.check(Options{})
		got := c.interrupted(repair)
		for i := range got.Faults {
			if repair && got.Faults[i].Repaired != got.Faults[i].Count && got.Faults[i].Kind.Repairable() {
				t.Errorf("%s: %d of %d repaired, want all", got.Faults[i].Kind, got.Faults[i].Repaired, got.Faults[i].Count)
			}
			got.Faults[i].Repaired, got.Faults[i].Examples = 0, nil
		}
		for i := range want.Faults {
			want.Faults[i].Examples = nil
		}
		if repair {
			want.IDs++ // the one that was missing
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("check in pieces (repair %v) = %+v, in one %+v", repair, got, want)
		}
	}
}

// interrupted checks with a new Checker for every page.
func (c *checked) interrupted(repair bool) Report {
	c.t.Helper()
	var state []byte
	for range 1000 {
		ctx, cancel := context.WithCancel(context.Background())
		checker := c.checker(Options{Repair: repair, PageSize: 3, Progress: func(float64) { cancel() }})
		if state != nil {
			if err := checker.Resume(state); err != nil {
				c.t.Fatal(err)
			}
		}
		err := checker.Run(ctx)
		cancel()
		if err == nil {
			return checker.Report()
		}
		if !errors.Is(err, context.Canceled) || checker.Report().Complete {
			c.t.Fatalf("Run() = %v, complete %v; want context.Canceled, false", err, checker.Report().Complete)
		}
		if state, err = checker.State(); err != nil {
			c.t.Fatal(err)
		}
		_ = checker.Close()
	}
	c.t.Fatal("1000 interrupted checks did not come to the end")
	return Report{}
}

// TestCheckGoesOnAfterALostConnection kills Redis in the middle.
func TestCheckGoesOnAfterALostConnection(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendfsync", "always")
	c := fillChecked(t, redis.URL(), storage.Options{})
	want := c.check(Options{})
	killed := false
	checker := c.checker(Options{Progress: func(float64) {
		if !killed {
			redis.Kill()
			killed = true
		}
	}})
	if err := checker.Run(context.Background()); err == nil {
		t.Fatal("Run() over a Redis that was killed = nil, want an error")
	}
	redis.Restart()
	if err := checker.Run(context.Background()); err != nil || !reflect.DeepEqual(checker.Report(), want) {
		t.Errorf("Run() again = %v, %+v; want %+v", err, checker.Report(), want)
	}
}

func TestResumeRefuses(t *testing.T) {
	open := func(url string, options Options) *Checker {
		checker, err := Open(url, options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = checker.Close() })
		return checker
	}
	const url = "redis://user:secret@127.0.0.1:1/0"
	state, err := open(url, Options{}).State()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		url     string
		options Options
		state   string
		refused bool
	}{
		{"its own", url, Options{}, string(state), false},
		{"another password", "redis://user:other@127.0.0.1:1/0", Options{}, string(state), false},
		{"another redis", "redis://127.0.0.1:2/0", Options{}, string(state), true},
		{"another prefix", url, Options{Prefix: "other"}, string(state), true},
		{"with repair", url, Options{Repair: true, MoveBack: storage.MoveBack}, string(state), true},
		{"another window", url, Options{IdempotencyWindow: 1}, string(state), true},
		{"no JSON", url, Options{}, "state", true},
		{"empty", url, Options{}, "", true},
		{"other JSON", url, Options{}, "{}", true},
	} {
		if err := open(c.url, c.options).Resume([]byte(c.state)); (err != nil) != c.refused {
			t.Errorf("%s: Resume() = %v, want refused %v", c.name, err, c.refused)
		}
	}
}
