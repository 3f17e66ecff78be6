package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// storeAfterListing appends messages of a cluster. Only those at the indices unknown wait until their chats are listed.
func (s *Store) storeAfterListing(ctx context.Context, marked []listedAppend, unknown []int) []chat.Appended {
	appended := make([]chat.Appended, len(marked))
	part := func(indices []int, store func([]listedAppend) []chat.Appended) {
		if len(indices) == 0 {
			return
		}
		some := make([]listedAppend, len(indices))
		for k, i := range indices {
			some[k] = marked[i]
		}
		for k, a := range store(some) {
			appended[indices[k]] = a
		}
	}
	known := slices.DeleteFunc(redisnode.UpTo(len(marked)), func(i int) bool { return slices.Contains(unknown, i) })
	var storing sync.WaitGroup
	storing.Go(func() { part(known, func(some []listedAppend) []chat.Appended { return s.store(ctx, some) }) })
	part(unknown, func(some []listedAppend) []chat.Appended { return s.listAndStore(ctx, some) })
	storing.Wait()
	return appended
}

// listAndStore lists chats and then appends their messages.
func (s *Store) listAndStore(ctx context.Context, appends []listedAppend) []chat.Appended {
	wanted, guarded, exist := listings(appends)
	admitted, failed := s.admitted(ctx, wanted, guarded, exist)
	maps.Copy(failed, s.enlist(ctx, admitted))
	appended := make([]chat.Appended, len(appends))
	var listed []listedAppend
	var indices []int
	for i, a := range appends {
		if err := failed[layout.ListingOf(a.Chat, a.Message.Sender)]; err != nil {
			appended[i].Err = err
			continue
		}
		a.listed = true
		listed, indices = append(listed, a), append(indices, i)
	}
	if len(listed) == 0 {
		return appended
	}
	for k, a := range s.store(ctx, listed) {
		appended[indices[k]] = a
	}
	maps.Copy(guarded, exist)
	s.enlistLate(ctx, guarded, appends, appended)
	return appended
}

// listings returns the listings of appends without repetitions. guarded are those whose senders must be members where
// the room is private, and exist those whose rooms must have been created.
func listings(appends []listedAppend) (all []layout.Listing, guarded, exist map[layout.Listing]bool) {
	guarded, exist = map[layout.Listing]bool{}, map[layout.Listing]bool{}
	seen, open := map[layout.Listing]bool{}, map[layout.Listing]bool{}
	for _, a := range appends {
		l := layout.ListingOf(a.Chat, a.Message.Sender)
		if !seen[l] {
			seen[l] = true
			all = append(all, l)
		}
		if l.User != "" && a.Exists {
			exist[l] = true
		}
		if l.User == "" || a.Member == "" {
			open[l] = true // also where another append is guarded: this one is not rejected
		} else {
			guarded[l] = true
		}
	}
	maps.DeleteFunc(guarded, func(l layout.Listing, _ bool) bool { return open[l] })
	return all, guarded, exist
}

// enlistLate lists rooms of senders who were about to be rejected but were not: the room has opened meanwhile, or was
// created.
func (s *Store) enlistLate(ctx context.Context, asked map[layout.Listing]bool, appends []listedAppend, appended []chat.Appended) {
	var late []layout.Listing
	for i, a := range appends {
		if l := layout.ListingOf(a.Chat, a.Message.Sender); appended[i].Err == nil && asked[l] && s.known.isNew(l) {
			late = append(late, l)
		}
	}
	if len(late) > 0 {
		s.enlist(ctx, late)
	}
}

// admitted drops listings whose senders are about to be rejected, so that a rejected message leaves nothing behind. guarded
// are the listings that need a member if the room is private; exist are those that need an existing room.
func (s *Store) admitted(ctx context.Context, unknown []layout.Listing, guarded, exist map[layout.Listing]bool) ([]layout.Listing, map[layout.Listing]error) {
	failed := map[layout.Listing]error{}
	if len(guarded)+len(exist) == 0 {
		return unknown, failed
	}
	const each = 2
	asked := slices.DeleteFunc(slices.Clone(unknown), func(l layout.Listing) bool { return !guarded[l] && !exist[l] })
	visible, member := make([]*redis.StringCmd, len(asked)), make([]*redis.BoolCmd, len(asked))
	errs := s.nodes.Calls(ctx, each*len(asked), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			l := asked[i/each]
			if i%each == 0 {
				visible[i/each] = pipeline.HGet(ctx, s.keys.Room(l.Chat), layout.VisibilityField)
				return visible[i/each]
			}
			member[i/each] = pipeline.HExists(ctx, s.keys.Members(l.Chat), l.User)
			return member[i/each]
		},
		Key: func(i int) string { return s.keys.Room(asked[i/each].Chat) },
	})
	refused := map[layout.Listing]bool{}
	for i, l := range asked {
		if errors.Is(errs[each*i], redis.Nil) { // the room was never created
			errs[each*i] = nil
		}
		if err := cmp.Or(errs[each*i], errs[each*i+1]); err != nil { // unsent commands have no replies
			failed[l], refused[l] = enlistError("look who is in "+l.Chat.String(), err), true
			continue
		}
		inside := member[i].Val() || !guarded[l]
		refused[l] = chat.Admits(l.Chat, chat.Visibility(visible[i].Val()), l.User, inside) != nil
	}
	return slices.DeleteFunc(unknown, func(l layout.Listing) bool { return refused[l] }), failed
}

// enlist puts chats into lists, and returns each failure. It waits for as many replicas as an append does: a message
// that survives must be listed too.
func (s *Store) enlist(ctx context.Context, listings []layout.Listing) (failed map[layout.Listing]error) {
	var entries []layout.ListEntry
	var of []layout.Listing
	for _, l := range listings {
		for _, e := range l.Entries() {
			entries, of = append(entries, e), append(of, l)
		}
	}
	added := make([]*redis.IntCmd, len(entries))
	errs := s.nodes.Calls(ctx, len(entries), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			score := 0.0
			if of[i].User != "" {
				score = layout.WasThere
			}
			added[i] = pipeline.ZAddNX(ctx, s.keys.Chats(entries[i].User), redis.Z{Member: entries[i].Chat.String(), Score: score})
			return added[i]
		},
		Key:      func(i int) string { return s.keys.Chats(entries[i].User) },
		Replicas: s.options.MinReplicas,
	})
	var tell []layout.ListEntry
	for i, err := range errs {
		switch {
		case err != nil:
			if failed == nil {
				failed = map[layout.Listing]error{}
			}
			failed[of[i]] = enlistError(fmt.Sprintf("put %s into the list of %s", entries[i].Chat, entries[i].User), err)
		case of[i].User == "" && added[i].Val() == 1:
			tell = append(tell, entries[i])
		}
	}
	s.known.add(listings, failed)
	s.tellLater(tell)
	return failed
}

// enlistError converts any failure: the message was not stored, and the caller may send it again.
func enlistError(tried string, err error) error {
	var known *chat.Error
	switch {
	case errors.As(err, &known):
		return err
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("%s: %w", tried, err)
	case errors.Is(err, redisnode.ErrCopies) || errors.Is(err, redisnode.ErrFewReplicas):
		return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis has too few replicas; nothing was stored, try again")
	}
	return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis does not answer; nothing was stored, try again")
}
