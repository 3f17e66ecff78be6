package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

// Append implements chat.Store. A conversation enters the lists of its two users before its first message is stored: a
// crash between the two leaves an entry of nothing in a list, which readers pass over, and never a message that is in
// no inbox. Likewise the list of who writes to a room says that she was there, which is how a deletion finds her messages.
// That costs one round trip more for what this Store has not seen of late; but rooms where there is no cluster, whose
// script does it.
func (s *Store) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	unknown, guarded := s.known.unknown(appends, s.nodes.only != nil)
	if len(unknown) == 0 {
		return s.store(ctx, appends)
	}
	unknown, failed := s.admitted(ctx, unknown, guarded)
	maps.Copy(failed, s.enlist(ctx, unknown))
	var telling sync.WaitGroup
	defer telling.Wait()
	telling.Go(func() { s.tellListed(ctx, conversations(unknown)) })
	if len(failed) == 0 {
		return s.enlistLate(ctx, guarded, appends, s.store(ctx, appends))
	}
	listed, indices := make([]chat.Append, 0, len(appends)), make([]int, 0, len(appends))
	appended := make([]chat.Appended, len(appends))
	for i, a := range appends {
		if err := failed[listingOf(a.Chat, a.Message.Sender)]; err != nil {
			appended[i].Err = err
			continue
		}
		listed, indices = append(listed, a), append(indices, i)
	}
	if len(listed) == 0 {
		return appended
	}
	for k, a := range s.enlistLate(ctx, guarded, listed, s.store(ctx, listed)) {
		appended[indices[k]] = a
	}
	return appended
}

// enlistLate puts rooms into the lists of those who were about to be refused, and were not: a room has opened meanwhile.
func (s *Store) enlistLate(ctx context.Context, guarded map[listing]bool, appends []chat.Append, appended []chat.Appended) []chat.Appended {
	var late []listing
	for i, a := range appends {
		if l := listingOf(a.Chat, a.Message.Sender); appended[i].Err == nil && guarded[l] && s.known.isNew(l) {
			late = append(late, l)
		}
	}
	if len(late) > 0 {
		s.enlist(ctx, late)
	}
	return appended
}

// admitted leaves out those whose senders are about to be refused, so that what is refused leaves nothing behind. guarded
// are those whose senders have to be members where the room is private.
func (s *Store) admitted(ctx context.Context, unknown []listing, guarded map[listing]bool) ([]listing, map[listing]error) {
	failed := map[listing]error{}
	if len(guarded) == 0 {
		return unknown, failed
	}
	const each = 2
	asked := slices.Collect(maps.Keys(guarded))
	visible, member := make([]*redis.StringCmd, len(asked)), make([]*redis.BoolCmd, len(asked))
	errs := s.calls(ctx, each*len(asked), exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			l := asked[i/each]
			if i%each == 0 {
				visible[i/each] = pipeline.HGet(ctx, s.keys.room(l.chat), visibilityField)
				return visible[i/each]
			}
			member[i/each] = pipeline.HExists(ctx, s.keys.members(l.chat), l.user)
			return member[i/each]
		},
		key: func(i int) string { return s.keys.room(asked[i/each].chat) },
	})
	refused := map[listing]bool{}
	for i, l := range asked {
		if errors.Is(errs[each*i], redis.Nil) { // nobody has created it
			errs[each*i] = nil
		}
		if err := cmp.Or(errs[each*i], errs[each*i+1]); err != nil { // there may be no answers: they were not asked for
			failed[l], refused[l] = enlistError("look who is in "+l.chat.String(), err), true
			continue
		}
		refused[l] = chat.Admits(l.chat, chat.Visibility(visible[i].Val()), l.user, member[i].Val()) != nil
	}
	return slices.DeleteFunc(unknown, func(l listing) bool { return refused[l] }), failed
}

// listing is what lists have to say before something is done in a chat.
type listing struct {
	chat chat.ID
	user string // who does it in a room; "" where it is a conversation, which both of its users have
}

func listingOf(id chat.ID, user string) listing {
	if !isRoom(id) {
		user = ""
	}
	return listing{id, user}
}

// entry is a chat in a user's list.
type entry struct {
	user string
	chat chat.ID
}

// entries are those of a listing.
func (l listing) entries() []entry {
	first, second, pair := l.chat.Users()
	switch {
	case !pair:
		return []entry{{l.user, l.chat}}
	case first == second:
		return []entry{{first, l.chat}}
	}
	return []entry{{first, l.chat}, {second, l.chat}}
}

// conversations are the entries of those listings that are not of rooms.
func conversations(listings []listing) (entries []entry) {
	for _, l := range listings {
		if l.user == "" {
			entries = append(entries, l.entries()...)
		}
	}
	return entries
}

// wasThere is the score of a room in the list of who is no member.
const wasThere = -1

// enlist puts chats into lists, and returns why it could not. It waits for as many copies as an append does: where a
// message survives, so does what it is found by.
func (s *Store) enlist(ctx context.Context, listings []listing) (failed map[listing]error) {
	var entries []entry
	var of []listing
	for _, l := range listings {
		for _, e := range l.entries() {
			entries, of = append(entries, e), append(of, l)
		}
	}
	errs := s.calls(ctx, len(entries), exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			key, name := s.keys.chats(entries[i].user), entries[i].chat.String()
			if of[i].user != "" {
				return pipeline.ZAddNX(ctx, key, redis.Z{Member: name, Score: wasThere})
			}
			return pipeline.ZAdd(ctx, key, redis.Z{Member: name})
		},
		key:      func(i int) string { return s.keys.chats(entries[i].user) },
		replicas: s.options.MinReplicas,
	})
	for i, err := range errs {
		if err == nil {
			continue
		}
		if failed == nil {
			failed = map[listing]error{}
		}
		failed[of[i]] = enlistError(fmt.Sprintf("put %s into the list of %s", entries[i].chat, entries[i].user), err)
	}
	s.known.add(listings, failed)
	return failed
}

// readerIsNew says whether a chat may not be in the list of one who reads it, and with what score it belongs there. A
// conversation that nobody has written to yet is no business of the other's.
func (s *Store) readerIsNew(id chat.ID, user string) (isNew bool, score float64) {
	if isRoom(id) {
		score = wasThere
	}
	return s.known.isNew(listingOf(id, user)) && s.known.isNew(listing{id, user}), score
}

// enlistReader is enlist for one who reads.
func (s *Store) enlistReader(ctx context.Context, id chat.ID, user string, score float64) error {
	key, z := s.keys.chats(user), redis.Z{Member: id.String(), Score: score}
	err := s.callOne(ctx, fmt.Sprintf("put %s into the list of %s", id, user), key,
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.ZAddNX(ctx, key, z) })
	return err
}

// enlistError: whatever it was, the message was not stored, and may be sent again.
func enlistError(tried string, err error) error {
	var known *chat.Error
	switch {
	case errors.As(err, &known):
		return err
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return fmt.Errorf("%s: %w", tried, err)
	case errors.Is(err, errCopies) || errors.Is(err, errFewReplicas):
		return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis has too few replicas; nothing was stored, try again")
	}
	return chat.Wrap(fmt.Errorf("%s: %w", tried, err), chat.Unavailable, "redis does not answer; nothing was stored, try again")
}

// tellListed tells users that their lists have changed. It may be lost: who follows a list reads it again from time to
// time.
func (s *Store) tellListed(ctx context.Context, entries []entry) {
	s.calls(ctx, len(entries), exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queueTell(ctx, pipeline, chat.Event{Chat: chat.SelfChat(entries[i].user), Kind: chat.Listed})
		},
		key: func(i int) string { return s.newsOf(chat.SelfChat(entries[i].user)) },
	})
}

// Of so many chats a Store knows that they are in the lists of users. It looks again after knownFor: a Redis that failed
// over may have lost what it had acknowledged.
const (
	maxKnown = 100_000
	knownFor = 10 * time.Minute
)

// knownLists remembers which chats are in the lists of users.
type knownLists struct {
	mutex sync.Mutex
	until *simplelru.LRU[listing, int64] // when to look again, in seconds since 1970
}

func newKnownLists() *knownLists {
	until, _ := simplelru.NewLRU[listing, int64](maxKnown, nil) // the only error is a size of 0
	return &knownLists{until: until}
}

// unknown returns the listings of appends that are not known to be there, each once, and those of them that are of
// senders who have to be members where the room is private. It may leave out rooms.
func (k *knownLists) unknown(appends []chat.Append, noRooms bool) (unknown []listing, guarded map[listing]bool) {
	now := time.Now().Unix()
	var seen, open map[listing]bool
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for i := range appends {
		l := listingOf(appends[i].Chat, appends[i].Message.Sender)
		if noRooms && l.user != "" {
			continue
		}
		if !k.lapsed(l, now) {
			continue
		}
		if seen == nil {
			seen, guarded, open = map[listing]bool{}, map[listing]bool{}, map[listing]bool{}
		}
		if !seen[l] {
			seen[l] = true
			unknown = append(unknown, l)
		}
		if l.user == "" || appends[i].Member == "" {
			open[l] = true // also where another append is guarded: this one is not refused
		} else {
			guarded[l] = true
		}
	}
	maps.DeleteFunc(guarded, func(l listing, _ bool) bool { return open[l] })
	return unknown, guarded
}

// traces says of each append whether append.lua is to put its room into the sender's list.
func (s *Store) traces(appends []chat.Append) []bool {
	traces := make([]bool, len(appends))
	if s.nodes.only == nil {
		return traces
	}
	now := time.Now().Unix()
	s.known.mutex.Lock()
	defer s.known.mutex.Unlock()
	for i := range appends {
		l := listingOf(appends[i].Chat, appends[i].Message.Sender)
		traces[i] = l.user != "" && s.known.lapsed(l, now)
	}
	return traces
}

// isNew says whether a listing is not known to be there.
func (k *knownLists) isNew(l listing) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.lapsed(l, time.Now().Unix())
}

// lapsed is isNew at a time. The mutex is held.
func (k *knownLists) lapsed(l listing, now int64) bool {
	until, known := k.until.Get(l)
	return !known || now >= until
}

func (k *knownLists) add(listings []listing, failed map[listing]error) {
	if len(listings) == 0 {
		return
	}
	until := time.Now().Add(knownFor).Unix()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, l := range listings {
		if failed[l] == nil {
			k.until.Add(l, until)
		}
	}
}

func (k *knownLists) forget() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.until.Purge()
}
