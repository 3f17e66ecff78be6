package projection

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// cursorsAtOnce bounds the cursors in one commit of a partition.
const cursorsAtOnce = 2000

// changed reports whether the cursor is to be stored.
func (c *cursor) changed() bool {
	return c.known && (len(c.counts) > 0 || c.at != c.stored && (c.given || c.at.Position > max(c.partition.start, 1) || c.at.State != ""))
}

// floors returns, for each partition, the position before which all events were handled; with stored, and their cursors stored.
func (r *runner) floors(stored bool) map[*partition]int64 {
	floors := make(map[*partition]int64, len(r.leases))
	for _, p := range r.leases {
		floors[p] = p.scanned
	}
	lower := func(c *cursor) {
		if floor, leased := floors[c.partition]; leased {
			floors[c.partition] = min(floor, c.since)
		}
	}
	for c := range r.waiting {
		lower(c)
	}
	if stored {
		for c := range r.dirty {
			lower(c)
		}
	}
	return floors
}

// news reports whether the partition has something to store besides cursors.
func (p *partition) news() bool {
	return p.handled > 0 || len(p.dead) > 0 || len(p.removed) > 0 || len(p.revived) > 0 || p.failing != p.failingStored || p.failure != p.failureStored
}

// sent is a commit on its way, with the cursors that it stores.
type sent struct {
	partition *partition
	commit    chat.Commit
	cursors   []*cursor
}

// commit stores the changes of partitions that have rested. A commit whose answer is lost is repeated unchanged, before
// any other commit of its partition.
func (r *runner) commit(ctx context.Context, rest time.Duration) {
	list := r.gather(rest)
	if len(list) == 0 {
		return
	}
	commits := make([]chat.Commit, len(list))
	for i, s := range list {
		commits[i] = s.commit
	}
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	stored, err := r.source.Commit(call, r.name(), commits)
	if err != nil && ctx.Err() == nil {
		r.log.Warn("the cursors cannot be stored; retrying", "error", err)
	}
	r.committed(list, stored, err)
}

// gather collects the changes, by partition.
func (r *runner) gather(rest time.Duration) []*sent {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := time.Now()
	byPartition := map[*partition]*sent{}
	var list []*sent
	add := func(p *partition) *sent {
		s := byPartition[p]
		if s == nil {
			s = &sent{partition: p, commit: chat.Commit{Partition: p.number, Token: p.token}}
			byPartition[p] = s
			list = append(list, s)
		}
		return s
	}
	for _, p := range r.leases {
		switch {
		case p.unsure != nil:
			add(p).commit = *p.unsure
		case p.news() && now.Sub(p.committed) >= rest:
			add(p)
		}
	}
	for c := range r.dirty {
		if c.partition.unsure != nil || now.Sub(c.partition.committed) < rest {
			continue
		}
		if s := add(c.partition); len(s.cursors) < cursorsAtOnce {
			s.cursors = append(s.cursors, c)
			s.commit.Cursors = append(s.commit.Cursors, chat.CommittedCursor{Chat: c.chat, Cursor: c.at, Expected: c.stored, Counts: c.counts})
			c.stored, c.given, c.counts = c.at, true, nil
			delete(r.dirty, c)
		}
	}
	floors := r.floors(true)
	for _, s := range list {
		p := s.partition
		if p.unsure != nil {
			continue
		}
		for _, name := range p.removed {
			s.commit.Cursors = append(s.commit.Cursors, chat.CommittedCursor{Chat: name})
		}
		s.commit.Floor, s.commit.Handled, s.commit.FailingSince, s.commit.Error = floors[p], p.handled, p.failing, p.failure
		s.commit.Dead, s.commit.Revived = p.dead, p.revived
		p.handled, p.dead, p.revived, p.removed = 0, nil, nil, nil
		p.unsure, p.committed = &s.commit, now
	}
	return list
}

// committed takes the answers.
func (r *runner) committed(list []*sent, stored []bool, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for i, s := range list {
		switch {
		case err != nil || i >= len(stored): // it stays unsure
		case stored[i]:
			p := s.partition
			p.unsure, p.floor = nil, s.commit.Floor
			p.failingStored, p.failureStored = s.commit.FailingSince, s.commit.Error
		case r.leases[s.partition.number] == s.partition:
			r.lose(s.partition.number)
		}
	}
}
