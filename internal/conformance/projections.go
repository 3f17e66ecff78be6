package conformance

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/placement"
)

// RunProjections tests the contract of leases, cursors and counters on one subject. open returns one over
// an empty store.
func RunProjections(t *testing.T, open func(*testing.T) chat.Projections) {
	for _, c := range []struct {
		name string
		test func(*projected)
	}{
		{"leases", testLeases},
		{"a lease that is forgotten", testForgottenLease},
		{"commits of a lost lease", testFence},
		{"counts", testCountsOnce},
		{"many cursors", testManyCursors},
		{"dead letters", testDeadLetters},
		{"a replay", testReplay},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := &projected{Projections: open(t), t: t}
			states, err := p.PartitionStates(asService(), nil)
			if err != nil {
				t.Fatal(err)
			}
			p.partitions = len(states)
			c.test(p)
		})
	}
}

// projected is a subject in one test.
type projected struct {
	chat.Projections
	t          *testing.T
	partitions int
}

// claim makes a heartbeat of projection "p".
func (p *projected) claim(worker string, claims ...chat.Claim) []chat.Lease {
	p.t.Helper()
	claimed, err := p.Claim(asService(), chat.ClaimRequest{Projection: "p", Worker: worker, Claims: claims, Start: chat.StartNow})
	if err != nil || len(claimed.Leases) != len(claims) {
		p.t.Fatalf("Claim(%v) = %+v, %v", claims, claimed, err)
	}
	return claimed.Leases
}

// commit stores commits of projection "p", and compares which of them were stored.
func (p *projected) commit(want string, commits ...chat.Commit) {
	p.t.Helper()
	stored, err := p.Commit(asService(), "p", commits)
	if got := fmt.Sprint(stored); err != nil || got != want {
		p.t.Fatalf("Commit(%d) = %v, %v; want %v", len(commits), got, err, want)
	}
}

// cursors compares the stored positions of chats.
func (p *projected) cursors(want string, chats ...string) {
	p.t.Helper()
	cursors, err := p.Cursors(asService(), "p", chats)
	positions := make([]int64, len(cursors))
	for i, c := range cursors {
		positions[i] = c.Position
	}
	if got := fmt.Sprint(positions); err != nil || got != want {
		p.t.Errorf("the cursors of %q are %v, %v; want %s", chats, got, err, want)
	}
}

// counts compares the counters of groups, as "group counter amount".
func (p *projected) counts(want []string, groups ...string) {
	p.t.Helper()
	counts, err := p.Counts(asService(), chat.CountsQuery{Projection: "p", Groups: groups})
	got := make([]string, len(counts))
	for i, c := range counts {
		got[i] = fmt.Sprint(c.Group, " ", c.Counter, " ", c.Amount)
	}
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		p.t.Errorf("the counts are %q, %v; want %q", got, err, want)
	}
}

func (p *projected) state() chat.ProjectionState {
	p.t.Helper()
	states, err := p.Projections.Projections(asService(), "p")
	if err != nil {
		p.t.Fatal(err)
	}
	return states[0]
}

// chatsIn returns names of chats in a partition.
func (p *projected) chatsIn(partition, n int) (names []string) {
	for i := 0; len(names) < n; i++ {
		if name := fmt.Sprint("room", i); placement.Partition(name, p.partitions) == partition {
			names = append(names, name)
		}
	}
	return names
}

func at(position int64) chat.Cursor { return chat.Cursor{Position: position} }

// testLeases: a partition has one owner. The answers are in the order of the claims, whatever becomes of each.
func testLeases(p *projected) {
	first := p.claim("one", chat.Claim{Partition: 7}, chat.Claim{Partition: 3}, chat.Claim{Partition: 200})
	for i, lease := range first {
		if lease.Token == 0 || lease.Floor != lease.Start {
			p.t.Errorf("lease %d is %+v", i, lease)
		}
	}
	renewed := p.claim("one", chat.Claim{Partition: 7, Token: first[0].Token, Floor: 70}, chat.Claim{Partition: 3, Token: first[1].Token, Floor: 30, Release: true},
		chat.Claim{Partition: 200, Token: first[2].Token, Floor: 2000})
	if renewed[0].Token != first[0].Token || renewed[0].Floor != 70 || renewed[1].Token != 0 || renewed[2].Token != first[2].Token || renewed[2].Floor != 2000 {
		p.t.Errorf("renewed leases are %+v after %+v", renewed, first)
	}
	other := p.claim("two", chat.Claim{Partition: 3}, chat.Claim{Partition: 7}, chat.Claim{Partition: 7, Token: first[0].Token, Floor: 99}, chat.Claim{Partition: 9})
	if other[0].Token <= first[1].Token || other[0].Floor != 30 || other[1].Token != 0 || other[2].Token != 0 || other[3].Token == 0 {
		p.t.Errorf("another worker has %+v after %+v", other, first)
	}
	if owners := fmt.Sprint(p.state().Owners); owners != "map[one:2 two:2]" {
		p.t.Errorf("the owners are %v", owners)
	}
	claimed, err := p.Claim(asService(), chat.ClaimRequest{Projection: "p", Worker: "two", Leaving: true})
	if err != nil || fmt.Sprint(claimed.Workers) != "[one]" {
		p.t.Errorf("without the worker that left there are %v, %v", claimed.Workers, err)
	}
}

// testForgottenLease: the owner of a lease may make the next owner begin anew; a worker whose lease another worker has may not.
func testForgottenLease(p *projected) {
	first := p.claim("one", chat.Claim{Partition: 0}, chat.Claim{Partition: 1})
	forget := []chat.Claim{{Partition: 0, Release: true, Forget: true}, {Partition: 1, Release: true, Forget: true}}
	p.claim("two", forget...)
	for i := range forget {
		forget[i].Token, forget[i].Floor = first[i].Token, first[i].Start+10
	}
	kept := p.claim("one", chat.Claim{Partition: 0, Token: first[0].Token, Floor: first[0].Floor}, forget[1])
	if kept[0].Start != first[0].Start || kept[0].Token != first[0].Token {
		p.t.Errorf("another worker had a lease forgotten: %+v", kept[0])
	}
	if anew := p.claim("one", chat.Claim{Partition: 1})[0]; anew.Start <= first[1].Start || anew.Floor != anew.Start || anew.Token <= first[1].Token {
		p.t.Errorf("after %+v was forgotten, the lease is %+v", first[1], anew)
	}
}

// testFence: of commits in one call, those whose lease is lost are not stored, and the others are.
func testFence(p *projected) {
	var leases []chat.Lease
	var commits []chat.Commit
	var chats []string
	for n := range 3 {
		leases = append(leases, p.claim("one", chat.Claim{Partition: n})...)
		chats = append(chats, p.chatsIn(n, 1)...)
		commits = append(commits, chat.Commit{
			Partition: n, Token: leases[n].Token, Floor: int64(100 + n), Handled: 5, FailingSince: 1, Error: "it does not work",
			Cursors: []chat.CommittedCursor{{Chat: chats[n], Cursor: at(int64(10 + n)), Counts: []chat.Count{{Group: "g", Counter: "c", Amount: 1}}}},
			Dead:    []chat.DeadLetter{{Event: chat.EventID(chats[n], 1), Error: "no", At: 1}},
		})
	}
	p.claim("one", chat.Claim{Partition: 1, Token: leases[1].Token, Floor: leases[1].Floor, Release: true})
	taken := p.claim("two", chat.Claim{Partition: 1})[0]
	p.commit("[true false true]", commits...)
	p.cursors("[10 0 12]", chats...)
	p.counts([]string{"g c 2"}, "g")
	if s := p.state(); s.Handled != 10 || s.FailingSince != 1 || s.Error != "it does not work" || s.DeadLetters != 2 {
		p.t.Errorf("the state is %+v", s)
	}
	p.commit("[true]", chat.Commit{Partition: 1, Token: taken.Token, Floor: 500, Cursors: []chat.CommittedCursor{{Chat: chats[1], Cursor: at(11)}}})
	for i := range commits {
		commits[i] = chat.Commit{Partition: i, Token: leases[i].Token, Floor: commits[i].Floor}
	}
	p.commit("[true false true]", commits...)
	p.cursors("[10 11 12]", chats...)
	if s := p.state(); s.Handled != 10 || s.FailingSince != 0 || s.Error != "" {
		p.t.Errorf("the state of one that works again is %+v", s)
	}
}

// testCountsOnce: a commit that is made again counts nothing, and each chat counts for itself.
func testCountsOnce(p *projected) {
	lease := p.claim("one", chat.Claim{Partition: 5})[0]
	chats := p.chatsIn(5, 3)
	counts := func(amount int64) []chat.Count {
		return []chat.Count{{Group: "g", Counter: "x", Amount: amount}, {Group: "g", Counter: "y", Amount: 1}, {Group: "gone", Counter: "x", Amount: 1, Expires: 1}}
	}
	commit := chat.Commit{Partition: 5, Token: lease.Token, Floor: 1, Cursors: []chat.CommittedCursor{
		{Chat: chats[0], Cursor: at(1), Counts: counts(1)}, {Chat: chats[1], Cursor: at(1), Counts: counts(10)}, {Chat: chats[2], Cursor: at(1)},
	}}
	for range 2 {
		p.commit("[true]", commit)
		p.counts([]string{"g x 11", "g y 2"}, "g", "gone")
		p.cursors("[1 1 1]", chats...)
	}
	again := commit
	again.Cursors = []chat.CommittedCursor{{Chat: chats[1], Cursor: at(3), Expected: at(1), Counts: counts(1000)}, {Chat: chats[2]}}
	p.commit("[true]", again)
	p.counts([]string{"g x 1011", "g y 3"}, "g", "gone")
	p.cursors("[1 3 0]", chats...)
}

// testManyCursors: a call may store as many as it has, of one partition and of several.
func testManyCursors(p *projected) {
	const each = 300
	var commits []chat.Commit
	var all []string
	for n := range 3 {
		lease := p.claim("one", chat.Claim{Partition: n})[0]
		c := chat.Commit{Partition: n, Token: lease.Token, Floor: 1}
		for _, name := range p.chatsIn(n, each) {
			c.Cursors = append(c.Cursors, chat.CommittedCursor{Chat: name, Cursor: chat.Cursor{Position: 9, State: `{"ann<é>": 1}`}, Counts: []chat.Count{{Group: "g", Counter: fmt.Sprint(n), Amount: 2}}})
			all = append(all, name)
		}
		commits = append(commits, c)
	}
	p.commit("[true true true]", commits...)
	p.counts([]string{"g 0 600", "g 1 600", "g 2 600"}, "g")
	cursors, err := p.Cursors(asService(), "p", all)
	if err != nil {
		p.t.Fatal(err)
	}
	for i, c := range cursors {
		if c != (chat.Cursor{Position: 9, State: `{"ann<é>": 1}`}) {
			p.t.Fatalf("the cursor of chat %d is %+v", i, c)
		}
	}
}

// testDeadLetters: the owner of their partition gets them until they were handled.
func testDeadLetters(p *projected) {
	leases := p.claim("one", chat.Claim{Partition: 4}, chat.Claim{Partition: 5}, chat.Claim{Partition: 6})
	event := chat.EventID(p.chatsIn(5, 1)[0], 3)
	p.commit("[true]", chat.Commit{Partition: 5, Token: leases[1].Token, Floor: 1, Dead: []chat.DeadLetter{{Event: event, Error: "refused", At: 7}}})
	letters, err := p.DeadLetters(asService(), "p", 10)
	if err != nil || len(letters) != 1 || letters[0] != (chat.DeadLetter{Event: event, Error: "refused", At: 7}) {
		p.t.Fatalf("the dead letters are %+v, %v", letters, err)
	}
	revived := func() string {
		var all [][]string
		for i, lease := range p.claim("one", chat.Claim{Partition: 4, Token: leases[0].Token}, chat.Claim{Partition: 5, Token: leases[1].Token}, chat.Claim{Partition: 6, Token: leases[2].Token}) {
			if lease.Token != leases[i].Token {
				p.t.Errorf("lease %d is %+v, it was %+v", i, lease, leases[i])
			}
			all = append(all, lease.Revive)
		}
		return fmt.Sprint(all)
	}
	if got := revived(); got != "[[] [] []]" {
		p.t.Errorf("without a change these are to be handled again: %s", got)
	}
	if err := p.ChangeProjection(asService(), chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection}); err != nil {
		p.t.Fatal(err)
	}
	if got := revived(); got != "[[] ["+event+"] []]" {
		p.t.Errorf("these are to be handled again: %s", got)
	}
	p.commit("[true]", chat.Commit{Partition: 5, Token: leases[1].Token, Floor: 1, Revived: []string{event}})
	if got := revived(); got != "[[] [] []]" {
		p.t.Errorf("after they were handled these are left: %s", got)
	}
}

// testReplay takes the lease from its owner, and cursors and counts with it.
func testReplay(p *projected) {
	room := p.chatsIn(8, 1)[0]
	lease := p.claim("one", chat.Claim{Partition: 8})[0]
	commit := chat.Commit{Partition: 8, Token: lease.Token, Floor: 5, Cursors: []chat.CommittedCursor{{Chat: room, Cursor: at(9), Counts: []chat.Count{{Group: "g", Counter: "c", Amount: 1}}}}}
	p.commit("[true]", commit)
	if err := p.ChangeProjection(asService(), chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection, Start: 2}); err != nil {
		p.t.Fatal(err)
	}
	p.commit("[false]", commit)
	p.cursors("[0]", room)
	p.counts([]string{}, "g")
	anew := p.claim("one", chat.Claim{Partition: 8, Token: lease.Token, Floor: 5})[0]
	if anew.Token <= lease.Token || anew.Start != 2 || anew.Floor != 2 {
		p.t.Errorf("after a replay the lease is %+v", anew)
	}
}
