package projection

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/placement"
)

// preferred returns the worker that should have a partition: rendezvous hashing, so that few partitions move when workers
// come and go, and all projections of a partition are together (Thaler and Ravishankar, "Using name-based mappings to increase
// hit rates", 1998).
func preferred(workers []string, partition int) string {
	best, score := "", uint64(0)
	for _, worker := range workers {
		if s := xxhash.Sum64String(worker + " " + strconv.Itoa(partition)); best == "" || s > score {
			best, score = worker, s
		}
	}
	return best
}

// beat renews the leases, takes those that should be this worker's, and releases the others.
func (r *runner) beat(ctx context.Context) {
	call, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	changed, err := true, error(nil)
	for rounds := 0; changed && err == nil && rounds < 2; rounds++ { // again with the workers that were found
		changed, err = r.claim(call)
	}
	if err != nil && ctx.Err() == nil {
		r.expire()
		r.log.Warn("the leases cannot be renewed; retrying", "error", err)
	}
}

// claim makes one heartbeat. It returns whether the workers that share the projection have changed.
func (r *runner) claim(ctx context.Context) (changed bool, err error) {
	partitions, err := r.worker.partitionCount(ctx)
	if err != nil {
		return false, err
	}
	if r.markLeaving(partitions) {
		r.commit(ctx, 0) // the handled events
	}
	request := r.claims(partitions)
	asked := time.Now()
	claimed, err := r.source.Claim(ctx, request)
	if err != nil {
		return false, err
	}
	return r.take(request, claimed, asked), nil
}

func (r *runner) name() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.projection.Name
}

// markLeaving marks the partitions that another worker should have. Nothing more of them is started.
func (r *runner) markLeaving(partitions int) (some bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for number, p := range r.leases {
		p.leaving = number >= partitions || !r.wants(number, partitions) || preferred(r.workers, number) != r.worker.Name()
		some = some || p.leaving
	}
	return some
}

// claims lists the worker's present and wanted partitions.
func (r *runner) claims(partitions int) chat.ClaimRequest {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	request := chat.ClaimRequest{Projection: r.projection.Name, Worker: r.worker.Name(), Start: r.projection.Start}
	floors := r.floors(true)
	forget := r.forgets()
	for number := range partitions {
		p := r.leases[number]
		switch {
		case p == nil && !r.wants(number, partitions):
			if forget {
				request.Claims = append(request.Claims, chat.Claim{Partition: number, Release: true, Forget: true})
			}
		case p != nil:
			if p.unsure == nil {
				p.floor = floors[p]
			}
			done := p.leaving && p.running == 0 && p.unsure == nil && !r.unstored(p)
			request.Claims = append(request.Claims, chat.Claim{Partition: number, Token: p.token, Floor: p.floor, Release: done, Forget: done && !r.wants(number, partitions)})
		case preferred(r.workers, number) == r.worker.Name():
			request.Claims = append(request.Claims, chat.Claim{Partition: number})
		}
	}
	return request
}

// wants reports whether a partition may have chats of interest.
func (r *runner) wants(number, partitions int) bool {
	listed := r.projection.Listed
	return len(listed) == 0 || slices.ContainsFunc(listed, func(name string) bool { return placement.Partition(name, partitions) == number })
}

// forgets reports whether partitions without chats of interest are to be forgotten now: those that an earlier list of chats had,
// whose floor would stand still and be taken for a lag.
func (r *runner) forgets() bool {
	if len(r.projection.Listed) == 0 || time.Since(r.forgot) < sweepEvery {
		return false
	}
	r.forgot = time.Now()
	return true
}

// unstored reports whether something of a partition is not stored.
func (r *runner) unstored(p *partition) bool {
	if p.news() {
		return true
	}
	for c := range r.dirty {
		if c.partition == p {
			return true
		}
	}
	return false
}

// take takes the leases that were given. It returns whether the workers have changed.
func (r *runner) take(request chat.ClaimRequest, claimed chat.Claimed, asked time.Time) (changed bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	changed = !slices.Equal(r.workers, claimed.Workers)
	r.workers = claimed.Workers
	if r.paused != claimed.Paused {
		r.log.Info("the projection was paused or resumed", "paused", claimed.Paused)
	}
	r.paused = claimed.Paused
	for i, lease := range claimed.Leases {
		if i >= len(request.Claims) {
			break
		}
		claim := request.Claims[i]
		p := r.leases[claim.Partition]
		if p != nil && p.token != lease.Token {
			r.lose(claim.Partition)
			p = nil
		}
		if lease.Token == 0 {
			continue
		}
		if p == nil {
			p = &partition{
				number: claim.Partition, token: lease.Token, start: lease.Start, scanned: lease.Floor, floor: lease.Floor, failing: lease.FailingSince, failingStored: lease.FailingSince,
				leased: asked, swept: time.Now().Add(-r.worker.config.Sweep * 9 / 10), // soon: the clock may have gone back between two owners
			}
			r.leases[claim.Partition] = p
		}
		p.renewed = asked
		p.revive = slices.Clone(lease.Revive)
		for _, event := range p.revived {
			p.revive = slices.DeleteFunc(p.revive, func(e string) bool { return e == event })
		}
	}
	return changed
}

// expire gives up the leases that may have lapsed.
func (r *runner) expire() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for number, p := range r.leases {
		if time.Since(p.renewed) > chat.LeaseLasts {
			r.lose(number)
		}
	}
}

// lose forgets a partition. A call of a handler goes on, and its result is dropped.
func (r *runner) lose(number int) {
	p := r.leases[number]
	delete(r.leases, number)
	for _, c := range r.chats {
		if c.partition == p {
			r.forget(c)
		}
	}
}

// leave releases everything.
func (r *runner) leave(ctx context.Context) {
	r.mutex.Lock()
	request := chat.ClaimRequest{Projection: r.projection.Name, Worker: r.worker.Name(), Start: r.projection.Start, Leaving: true}
	floors := r.floors(true)
	for _, number := range slices.Sorted(maps.Keys(r.leases)) {
		p := r.leases[number]
		if p.unsure == nil {
			p.floor = floors[p]
		}
		request.Claims = append(request.Claims, chat.Claim{Partition: number, Token: p.token, Floor: p.floor, Release: true})
	}
	for number := range r.leases {
		r.lose(number)
	}
	r.mutex.Unlock()
	if _, err := r.source.Claim(ctx, request); err != nil {
		r.log.Warn("the leases cannot be released; they will expire", "error", err)
	}
}
