package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/background"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Append implements chat.Store. A chat is listed for its users before its first message is stored: for both users of a
// conversation, and for the sender in a room. Deletions find the sender's messages through that list.
//
// Outside a cluster, the script that stores the message also lists its chat. In a cluster the lists are in other slots,
// so listing costs a second round trip for chats that this Store has not seen lately. Other chats do not wait for it.
//
// Redis may lose entries that this Store holds to be listed. A script that finds no message of such a chat stores
// nothing, and the chat is listed again.
func (s *Store) Append(ctx context.Context, appends []chat.Append) []chat.Appended {
	unknown := s.known.unknown(appends)
	if begun := s.beginning(appends, unknown); len(begun) > 0 {
		return s.appendBeginning(ctx, appends, begun)
	}
	marked := make([]listedAppend, len(appends))
	for i := range appends {
		marked[i] = listedAppend{Append: &appends[i], partition: s.subscriptions.Of(appends[i].Chat)}
	}
	var appended []chat.Appended
	if s.nodes.Only != nil || len(unknown) == 0 {
		appended = s.storeListing(ctx, marked, unknown)
	} else {
		appended = s.storeAfterListing(ctx, marked, unknown)
	}
	if lost := unlisted(appended); lost != nil {
		s.forgetLists()
		s.again(ctx, marked, lost, appended)
	}
	return appended
}

// unlisted returns the indices of appends whose chats Redis does not know.
func unlisted(appended []chat.Appended) (lost []int) {
	for i := range appended {
		if errors.Is(appended[i].Err, errUnlisted) {
			lost = append(lost, i)
		}
	}
	return lost
}

// forgetLists handles signs that Redis has lost data.
func (s *Store) forgetLists() {
	s.lookAgain()
	s.known.forget()
}

// again retries the appends at indices, and lists their chats.
func (s *Store) again(ctx context.Context, marked []listedAppend, indices []int, appended []chat.Appended) {
	some := make([]listedAppend, len(indices))
	for k, i := range indices {
		some[k] = listedAppend{Append: marked[i].Append, partition: marked[i].partition}
	}
	store := s.storeAfterListing
	if s.nodes.Only != nil {
		store = s.storeListing
	}
	for k, a := range store(ctx, some, redisnode.UpTo(len(some))) {
		appended[indices[k]] = a
	}
}

// storeListing appends messages. The script lists the chats of those at the indices unknown.
func (s *Store) storeListing(ctx context.Context, marked []listedAppend, unknown []int) []chat.Appended {
	if len(unknown) == 0 {
		return s.store(ctx, marked)
	}
	added := make([][2]bool, len(unknown))
	for k, i := range unknown {
		a := &marked[i]
		a.added = &added[k]
		for j, e := range layout.ListingOf(a.Chat, a.Message.Sender).Entries() {
			a.lists[j] = s.keys.Chats(e.User)
		}
	}
	appended := s.store(ctx, marked)
	var listed []layout.Listing
	var tell []layout.ListEntry
	for k, i := range unknown {
		l := layout.ListingOf(marked[i].Chat, marked[i].Message.Sender)
		if appended[i].Err != nil || appended[i].Duplicate { // the script may not have reached this chat, or may still run
			continue
		}
		listed = append(listed, l)
		for j, e := range l.Entries() {
			if added[k][j] && l.User == "" {
				tell = append(tell, e)
			}
		}
	}
	s.known.add(listed, nil)
	s.tellLater(tell)
	return appended
}

// readerIsNew reports whether a chat may be missing in the list of its reader, and the score for it. A conversation
// without messages is not listed for the other user.
func (s *Store) readerIsNew(id chat.ID, user string) (isNew bool, score float64) {
	if id.IsRoom() {
		score = layout.WasThere
	}
	return s.known.isNew(layout.ListingOf(id, user)) && s.known.isNew(layout.Listing{Chat: id, User: user}), score
}

// enlistReader is enlist for a reader.
func (s *Store) enlistReader(ctx context.Context, id chat.ID, user string, score float64) error {
	key, z := s.keys.Chats(user), redis.Z{Member: id.String(), Score: score}
	err := s.callOne(ctx, fmt.Sprintf("put %s into the list of %s", id, user), key,
		func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder { return pipeline.ZAddNX(ctx, key, z) })
	return err
}

// tellingAtOnce limits how many batches of Listed events are under way.
const tellingAtOnce = 16

// tellLater is tellListed in the background. While Redis is slow, some users get no event.
func (s *Store) tellLater(entries []layout.ListEntry) {
	if len(entries) == 0 {
		return
	}
	if s.telling.Add(1) > tellingAtOnce {
		s.telling.Add(-1)
		return
	}
	started := s.nodes.Start(background.Job{
		Name: "tell_lists", Once: true, // without a Timeout: the calls have theirs, and a send pays for another
		Step: func(ctx context.Context) error {
			defer s.telling.Add(-1)
			s.tellListed(ctx, entries)
			return nil
		},
	})
	if !started {
		s.telling.Add(-1)
	}
}

// tellListed publishes to users that their lists have changed. Events may be lost: followers of a list also read it
// again from time to time.
func (s *Store) tellListed(ctx context.Context, entries []layout.ListEntry) {
	s.nodes.Calls(ctx, len(entries), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			return s.queueTell(ctx, pipeline, chat.Event{Chat: chat.SelfChat(entries[i].User), Kind: chat.Listed})
		},
		Key: func(i int) string { return s.newsOf(chat.SelfChat(entries[i].User)) },
	})
}

// A Store remembers up to maxKnown listed chats. It checks again after knownFor, because a failover may have lost
// acknowledged entries.
const (
	maxKnown = 100_000
	knownFor = 10 * time.Minute
)

// knownLists remembers which chats are in the lists of users.
type knownLists struct {
	mutex sync.Mutex
	until *simplelru.LRU[layout.Listing, int64] // when to check again, in seconds since 1970
}

func newKnownLists() *knownLists {
	until, _ := simplelru.NewLRU[layout.Listing, int64](maxKnown, nil) // the only error is a size of 0
	return &knownLists{until: until}
}

// unknown returns the indices of appends whose chats are not known to be listed.
func (k *knownLists) unknown(appends []chat.Append) (indices []int) {
	now := time.Now().Unix()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for i := range appends {
		if k.lapsed(layout.ListingOf(appends[i].Chat, appends[i].Message.Sender), now) {
			indices = append(indices, i)
		}
	}
	return indices
}

// isNew reports whether a listing is unknown.
func (k *knownLists) isNew(l layout.Listing) bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.lapsed(l, time.Now().Unix())
}

// lapsed is isNew at a given time. It requires that the mutex is held.
func (k *knownLists) lapsed(l layout.Listing, now int64) bool {
	until, known := k.until.Get(l)
	return !known || now >= until
}

func (k *knownLists) add(listings []layout.Listing, failed map[layout.Listing]error) {
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
