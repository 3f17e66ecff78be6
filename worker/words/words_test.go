package words_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/names"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/storage"
	"github.com/pullchat/pullchat/worker/words"
)

// bed is a store with the rules over it.
type bed struct {
	*chat.MessageService
	*chat.ProjectionService
	words *chat.WordService
	t     *testing.T
	redis *redistest.Server
}

func newBed(t *testing.T) *bed {
	t.Helper()
	redis := redistest.Start(t)
	store, err := storage.Open(redis.URL(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &bed{
		MessageService:    chat.NewMessageService(store, chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}),
		ProjectionService: chat.NewProjectionService(store, chat.Access{}), t: t, redis: redis,
		words: chat.NewWordService(store, chat.Access{}, chat.WordOptions{Fold: names.Fold, Keep: 48 * time.Hour}),
	}
}

// RegisteredWords makes a bed the source of a worker.
func (b *bed) RegisteredWords(ctx context.Context, known int64) (chat.WordRegistry, error) {
	return b.words.RegisteredWords(ctx, known)
}

func (b *bed) put(words ...chat.Word) {
	b.t.Helper()
	for _, w := range words {
		if _, err := b.words.PutWord(b.t.Context(), w); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bed) send(room, text string) int64 {
	b.t.Helper()
	receipt, err := b.Send(b.t.Context(), chat.Message{Chat: room, Sender: "ann", Text: text})
	if err != nil {
		b.t.Fatal(err)
	}
	return receipt.SendTime
}

// counts returns the counts of the words, with those of a chat as word@chat. Words without messages are left out.
func (b *bed) counts(q chat.TopWords) map[string]int64 {
	b.t.Helper()
	q.Limit = 1000
	list, err := b.words.Words(b.t.Context(), q)
	if err != nil {
		b.t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, w := range list {
		name := w.Word.Word
		if w.Chat != "" {
			name += "@" + w.Chat
		}
		if w.Count > 0 {
			counts[name] = w.Count
		}
	}
	return counts
}

// source has the methods that a worker needs.
type source interface {
	projection.Source
	words.Source
}

// worker starts a worker, and returns a function that ends it.
func (b *bed) worker(from source) (stop func()) {
	b.t.Helper()
	log := slog.New(slog.DiscardHandler)
	w, err := projection.New(projection.Config{Source: from, Log: log, Poll: 10 * time.Millisecond})
	if err != nil {
		b.t.Fatal(err)
	}
	sink := words.New(from, log)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = sink.Run(ctx, func() { _ = w.Set(sink.Projections()) }) })
	running.Go(func() { _ = w.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	b.t.Cleanup(stop)
	return stop
}

// caughtUp waits until every message is handled.
func (b *bed) caughtUp(handled int64) {
	b.t.Helper()
	b.await("all messages are handled", func() bool {
		states, err := b.Projections(b.t.Context(), chat.WordsProjection)
		return err == nil && states[0].Lag == 0 && states[0].Behind == 0 && states[0].Handled >= handled
	})
}

func (b *bed) await(what string, holds func() bool) {
	b.t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	ctx, cancel := context.WithTimeout(b.t.Context(), 60*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			b.t.Fatalf("it does not come to this: %s", what)
		}
	}
}

var errLost = errors.New("lost")

// faulty is a source that loses answers of commits, or commits, and can be killed.
type faulty struct {
	*bed
	mutex  sync.Mutex
	random *rand.Rand
	dead   bool
}

func newFaulty(b *bed, seed uint64) *faulty {
	return &faulty{bed: b, random: rand.New(rand.NewPCG(seed, 1))}
}

func (f *faulty) kill() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.dead = true
}

func (f *faulty) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	f.mutex.Lock()
	chance := f.random.IntN(3)
	if f.dead {
		chance = 0
	}
	f.mutex.Unlock()
	if chance == 0 { // it does not arrive
		return nil, errLost
	}
	stored, err := f.bed.Commit(ctx, name, commits)
	if chance == 1 { // the answer does not
		return nil, errLost
	}
	return stored, err
}

func (f *faulty) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	f.mutex.Lock()
	dead := f.dead
	f.mutex.Unlock()
	if dead {
		return chat.Claimed{}, errLost
	}
	return f.bed.Claim(ctx, r)
}

var vocabulary = []chat.Word{{Word: "Lunch"}, {Word: "tea"}, {Word: "straße"}, {Word: "team", Substring: true}, {Word: "tea", Chat: "room3", Substring: true}}

// book counts as a sink should.
type book struct{ all, of map[string]int64 }

// text returns a message, and records its counts.
func (k book) text(random *rand.Rand, room string) string {
	var parts []string
	seen := map[string]bool{}
	for range random.IntN(6) {
		parts = append(parts, []string{"lunch", "LUNCH", "Tea", "Strasse", "steaming", "tee", "x"}[random.IntN(7)])
	}
	for _, part := range parts {
		for word, by := range map[string]string{"lunch": "lunch", "LUNCH": "lunch", "Tea": "tea", "Strasse": "strasse", "steaming": "team"} {
			if part == word {
				seen[by] = true
			}
		}
	}
	for word := range seen {
		k.all[word]++
		k.of[word+" "+room]++
	}
	if room == "room3" && (seen["tea"] || seen["team"]) {
		k.of["tea@room3 room3"]++
	}
	return strings.Join(append(parts, "."), " ")
}

// in has the book's counts of a chat.
func (k book) in(room string) map[string]int64 {
	counts := map[string]int64{}
	for entry, n := range k.of {
		if word, of, _ := strings.Cut(entry, " "); of == room {
			counts[word] = n
		}
	}
	return counts
}

func (b *bed) check(when string, k book, began int64) {
	b.t.Helper()
	for name, since := range map[string]int64{"": 0, " since it began": began, " since yesterday": began - 24*3600*1_000_000} {
		if got := b.counts(chat.TopWords{Since: since}); !maps.Equal(got, k.all) {
			b.t.Errorf("%s the counts%s are %v, want %v", when, name, got, k.all)
		}
		for i := range 20 {
			room := fmt.Sprint("room", i)
			if got := b.counts(chat.TopWords{Chat: room, Since: since}); !maps.Equal(got, k.in(room)) {
				b.t.Errorf("%s the counts%s of %s are %v, want %v", when, name, room, got, k.in(room))
			}
		}
	}
}

// TestExactlyOnce: two workers count, whose commits and answers are lost again and again; one of them dies. Each message
// counts exactly once, also where all are replayed meanwhile.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.put(vocabulary...)
	killed := newFaulty(b, 1)
	stopKilled := b.worker(killed)
	b.worker(newFaulty(b, 2))
	b.await("both have partitions", func() bool {
		states, err := b.Projections(t.Context(), chat.WordsProjection)
		return err == nil && len(states[0].Owners) == 2
	})
	random := rand.New(rand.NewPCG(3, 3))
	k := book{map[string]int64{}, map[string]int64{}}
	sent, began := int64(0), time.Now().UnixMicro()
	send := func(n int) {
		for range n {
			room := fmt.Sprint("room", sent%20)
			b.send(room, k.text(random, room))
			sent++
		}
	}
	send(600)
	killed.kill()
	send(600)
	b.caughtUp(sent)
	b.check("after a death", k, began)
	if len(k.all) != 4 || k.of["tea@room3 room3"] == 0 {
		t.Fatalf("the messages do not have all words: %v", k.all)
	}
	stopKilled()

	b.worker(newFaulty(b, 4))
	if err := b.ChangeProjection(t.Context(), chat.ProjectionChange{Name: chat.WordsProjection, Action: chat.ReplayProjection}); err != nil {
		t.Fatal(err)
	}
	send(600)
	b.caughtUp(2*sent - 600)
	b.check("after a replay", k, began)
}

// TestWordsComeAndGo: a word counts from its registration on; a replay counts from the beginning. A word that is
// deleted and registered again begins anew, and messages sent while there was no word do not count.
func TestWordsComeAndGo(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.worker(b)
	b.send("room", "tea lunch, too early")
	b.put(chat.Word{Word: "tea"})
	b.send("room", "tea lunch")
	b.caughtUp(1)
	for i := range 50 { // a message right after the registration counts
		word := fmt.Sprint("word", i)
		b.put(chat.Word{Word: word})
		b.send("room", word)
	}
	b.put(chat.Word{Word: "lunch"})
	b.send("room", "lunch tea")
	b.caughtUp(52)
	counts := b.counts(chat.TopWords{})
	if counts["tea"] != 2 || counts["lunch"] != 1 || len(counts) != 52 {
		t.Errorf("the counts are %v, want 2 of tea, 1 of lunch, and 1 of each other word", counts)
	}
	if err := b.ChangeProjection(t.Context(), chat.ProjectionChange{Name: chat.WordsProjection, Action: chat.ReplayProjection}); err != nil {
		t.Fatal(err)
	}
	b.await("all are counted from the beginning", func() bool {
		counts := b.counts(chat.TopWords{})
		return counts["tea"] == 3 && counts["lunch"] == 3 && len(counts) == 52
	})

	registry, err := b.RegisteredWords(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range registry.Words {
		if err := b.words.DeleteWord(t.Context(), "", w.Word); err != nil {
			t.Fatal(err)
		}
	}
	b.await("no worker counts", func() bool {
		states, err := b.Projections(t.Context(), chat.WordsProjection)
		return err == nil && len(states[0].Owners) == 0
	})
	b.send("room", "tea while there is no word")
	b.put(chat.Word{Word: "tea"})
	b.send("room", "tea again")
	b.await("it counts again", func() bool { return b.counts(chat.TopWords{})["tea"] > 0 })
	b.caughtUp(53)
	if counts := b.counts(chat.TopWords{}); counts["tea"] != 1 {
		t.Errorf("after it was registered again, the counts are %v, want 1", counts)
	}
}
