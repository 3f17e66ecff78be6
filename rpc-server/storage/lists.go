package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
)

// Append implements chat.Store. A conversation enters the lists of its two users before its first message is stored: a
// crash between the two leaves an entry of nothing in a list, which readers pass over, and never a message that is in
// no inbox. That costs one round trip more for what this Store has not seen of late.
func (s *Store) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	unknown := s.known.unknown(appends)
	if len(unknown) == 0 {
		return s.store(ctx, appends)
	}
	failed := s.enlist(ctx, unknown)
	var telling sync.WaitGroup
	defer telling.Wait()
	telling.Go(func() { s.tellListed(ctx, entriesOf(unknown)) })
	if len(failed) == 0 {
		return s.store(ctx, appends)
	}
	listed, indices := make([]chat.Append, 0, len(appends)), make([]int, 0, len(appends))
	appended := make([]chat.Appended, len(appends))
	for i, a := range appends {
		if err := failed[a.Chat]; err != nil {
			appended[i].Err = err
			continue
		}
		listed, indices = append(listed, a), append(indices, i)
	}
	if len(listed) == 0 {
		return appended
	}
	for k, a := range s.store(ctx, listed) {
		appended[indices[k]] = a
	}
	return appended
}

// entry is a chat in a user's list.
type entry struct {
	user string
	chat chat.ID
}

func entriesOf(ids []chat.ID) []entry {
	entries := make([]entry, 0, 2*len(ids))
	for _, id := range ids {
		first, second, _ := id.Users()
		entries = append(entries, entry{first, id})
		if second != first {
			entries = append(entries, entry{second, id})
		}
	}
	return entries
}

// enlist puts conversations into the lists of their users, and returns why it could not. It waits for as many copies as
// an append does: where a message survives, so does what it is found by.
func (s *Store) enlist(ctx context.Context, ids []chat.ID) (failed map[chat.ID]error) {
	entries := entriesOf(ids)
	errs := s.calls(ctx, len(entries), exchange{
		queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return pipeline.ZAdd(ctx, s.keys.chats(entries[i].user), redis.Z{Member: entries[i].chat.String()})
		},
		key:      func(i int) string { return s.keys.chats(entries[i].user) },
		replicas: s.options.MinReplicas,
	})
	for i, err := range errs {
		if err == nil {
			continue
		}
		if failed == nil {
			failed = map[chat.ID]error{}
		}
		failed[entries[i].chat] = enlistError(fmt.Sprintf("put %s into the list of %s", entries[i].chat, entries[i].user), err)
	}
	s.known.add(ids, failed)
	return failed
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

// Of so many conversations a Store knows that they are in the lists of their users. It looks again after knownFor: a
// Redis that failed over may have lost what it had acknowledged.
const (
	maxKnown = 100_000
	knownFor = 10 * time.Minute
)

// knownLists remembers which conversations are in the lists of their users.
type knownLists struct {
	mutex sync.Mutex
	until *simplelru.LRU[chat.ID, int64] // when to look again, in seconds since 1970
}

func newKnownLists() *knownLists {
	until, _ := simplelru.NewLRU[chat.ID, int64](maxKnown, nil) // the only error is a size of 0
	return &knownLists{until: until}
}

// unknown returns the conversations that are not known to be listed, each once.
func (k *knownLists) unknown(appends []chat.Append) (unknown []chat.ID) {
	now := time.Now().Unix()
	var seen map[chat.ID]bool
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for i := range appends {
		id := appends[i].Chat
		if _, _, pair := id.Users(); !pair {
			continue
		}
		if until, known := k.until.Get(id); known && now < until || seen[id] {
			continue
		}
		if seen == nil {
			seen = map[chat.ID]bool{}
		}
		seen[id] = true
		unknown = append(unknown, id)
	}
	return unknown
}

func (k *knownLists) add(ids []chat.ID, failed map[chat.ID]error) {
	until := time.Now().Add(knownFor).Unix()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, id := range ids {
		if failed[id] == nil {
			k.until.Add(id, until)
		}
	}
}

func (k *knownLists) forget() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.until.Purge()
}
