package projection_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/placement"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// asked is a source that notes which partitions are looked at, and claimed.
type asked struct {
	projection.Source
	mutex           sync.Mutex
	looked, claimed []int
}

func (a *asked) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	a.mutex.Lock()
	a.looked = slices.Clone(partitions)
	a.mutex.Unlock()
	return a.Source.PartitionStates(ctx, partitions)
}

func (a *asked) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	a.mutex.Lock()
	a.claimed = nil
	for _, c := range r.Claims {
		if !c.Release {
			a.claimed = append(a.claimed, c.Partition)
		}
	}
	a.mutex.Unlock()
	return a.Source.Claim(ctx, r)
}

// only reports whether the last look and the last claim were of some partitions alone.
func (a *asked) only(partitions ...int) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	slices.Sort(partitions)
	return slices.Equal(a.looked, partitions) && slices.Equal(a.claimed, partitions)
}

// TestListedChats: a projection for some chats claims and looks at their partitions only, gets the messages of these chats only, and
// its list may change. The partitions that it has left do not count as lag.
func TestListedChats(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	of := func(room string) int { return placement.Partition(room, b.count) }
	first, second, neighbour := "room", "", ""
	for i := 0; second == "" || neighbour == ""; i++ {
		switch name := fmt.Sprint("other", i); {
		case of(name) == of(first):
			neighbour = name
		case second == "":
			second = name
		}
	}
	for _, room := range []string{first, second, neighbour} {
		b.send(room, "0")
	}
	s, source := newSink(), &asked{Source: b}
	w, stop := b.run(source)
	set := func(listed ...string) {
		if err := w.Set([]projection.Projection{{Name: "p", Handler: s, Listed: listed}}); err != nil {
			t.Fatal(err)
		}
	}
	set(first)
	await(t, "its message comes", func() bool { return s.got(first) == "0" && b.state("p").Behind == 0 })
	await(t, "one partition is looked at", func() bool { return source.only(of(first)) })

	b.change(chat.ProjectionChange{Name: "p", Action: chat.SkipProjection, Chat: second}) // as a webhook that gets another chat
	set(first, second)
	await(t, "two partitions are looked at", func() bool { return source.only(of(first), of(second)) })
	b.send(second, "1")
	await(t, "the message that follows comes", func() bool { return s.got(second) == "1" && b.state("p").Behind == 0 })

	set(second)
	await(t, "the other partition is looked at", func() bool { return source.only(of(second)) })
	for _, room := range []string{first, second, neighbour} {
		b.send(room, "2")
	}
	await(t, "nothing is behind", func() bool {
		state := b.state("p")
		return s.got(second) == "1 2" && state.Behind == 0 && state.Lag == 0 && len(state.Owners) == 1
	})
	stop()
	if s.got(first) != "0" || s.got(neighbour) != "" {
		t.Errorf("%s got %q, and %s, which is in no list, %q", first, s.got(first), neighbour, s.got(neighbour))
	}
}

// TestForgottenPartition: a partition that another worker has a lease on is not forgotten.
func TestForgottenPartition(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	claim := func(worker string, claims ...chat.Claim) chat.Lease {
		t.Helper()
		claimed, err := b.Claim(t.Context(), chat.ClaimRequest{Projection: "p", Worker: worker, Start: 7, Claims: claims})
		if err != nil {
			t.Fatal(err)
		}
		return claimed.Leases[0]
	}
	lease := claim("one", chat.Claim{Partition: 3})
	claim("one", chat.Claim{Partition: 3, Token: lease.Token, Floor: 100})
	forget := chat.Claim{Partition: 3, Release: true, Forget: true}
	claim("two", forget)
	if again := claim("one", chat.Claim{Partition: 3, Token: lease.Token, Floor: 100}); again.Token != lease.Token || again.Floor != 100 {
		t.Errorf("the lease became %+v, was %+v", again, lease)
	}
	claim("one", forget)
	if next := claim("two", chat.Claim{Partition: 3}); next.Token <= lease.Token || next.Floor != 7 || next.Start != 7 {
		t.Errorf("the next lease is %+v, after %+v", next, lease)
	}
}
