package projection_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/projection"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// bed is a store with the rules over it.
type bed struct {
	*chat.MessageService
	*chat.ProjectionService
	t     *testing.T
	redis *redistest.Server
	rooms *chat.RoomService
	count int // of partitions
}

func newBed(t *testing.T, options storage.Options) *bed {
	t.Helper()
	redis := redistest.Start(t)
	store, err := storage.Open(redis.URL(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &bed{
		MessageService:    chat.NewMessageService(store, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}),
		ProjectionService: chat.NewProjectionService(store), t: t, redis: redis, count: store.Partitions(),
		rooms: chat.NewRoomService(store, false, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 10, MaxUserRooms: 10}),
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

// worker starts one, and returns what ends it.
func (b *bed) worker(source projection.Source, projections ...projection.Projection) (stop func()) {
	b.t.Helper()
	w, stop := b.run(source)
	if err := w.Set(projections); err != nil {
		b.t.Fatal(err)
	}
	return stop
}

// run starts a worker without projections, and returns what ends it.
func (b *bed) run(source projection.Source) (w *projection.Worker, stop func()) {
	b.t.Helper()
	w, err := projection.New(projection.Config{Source: source, Log: quiet(), Poll: 10 * time.Millisecond})
	if err != nil {
		b.t.Fatal(err)
	}
	return w, b.start(w)
}

// start runs a worker, and returns what ends it.
func (b *bed) start(w *projection.Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	b.t.Cleanup(stop)
	return stop
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (b *bed) state(name string) chat.ProjectionState {
	b.t.Helper()
	states, err := b.Projections(b.t.Context(), name)
	if chat.CodeOf(err) == chat.NotFound { // no worker has begun
		return chat.ProjectionState{}
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return states[0]
}

func (b *bed) change(c chat.ProjectionChange) {
	b.t.Helper()
	if err := b.ChangeProjection(b.t.Context(), c); err != nil {
		b.t.Fatal(err)
	}
}

// sink notes what it is given.
type sink struct {
	mutex  sync.Mutex
	ids    []string            // as they came
	texts  map[string][]string // by chat, without repeats
	seen   map[string]bool
	last   map[string]int64
	faults []string
	fail   func(e projection.Event) error // nil: never
}

func newSink() *sink {
	return &sink{texts: map[string][]string{}, seen: map[string]bool{}, last: map[string]int64{}}
}

func (s *sink) Handle(_ context.Context, events []projection.Event) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, e := range events {
		if s.fail != nil {
			if err := s.fail(e); err != nil {
				return projection.Handled(i, err)
			}
		}
		s.ids = append(s.ids, e.ID)
		if s.seen[e.ID] {
			continue
		}
		s.seen[e.ID] = true
		if at := e.Messages[0].SendTime; at <= s.last[e.Chat] {
			s.faults = append(s.faults, fmt.Sprintf("%s came after position %d", e.ID, s.last[e.Chat]))
		}
		s.last[e.Chat] = e.Last().SendTime
		for _, m := range e.Messages {
			s.texts[e.Chat] = append(s.texts[e.Chat], m.Text)
		}
	}
	return nil
}

func (s *sink) set(fail func(projection.Event) error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fail = fail
}

func (s *sink) count() (events, unique int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.ids), len(s.seen)
}

// got returns the texts of a chat, with spaces between them.
func (s *sink) got(room string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Join(s.texts[room], " ")
}

// await waits until something holds, and fails the test after a time that no working machine needs.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// TestEveryEventOnce: without a failure each message of each chat is handled once and in order; also what was there before.
func TestEveryEventOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	want := map[string]string{}
	send := func(round int) {
		for c := range 30 {
			room := fmt.Sprint("room", c)
			text := fmt.Sprint(round)
			b.send(room, text)
			want[room] = strings.TrimSpace(want[room] + " " + text)
		}
	}
	for round := range 150 { // more than a page
		send(round)
	}
	all, fresh := newSink(), newSink()
	stop := b.worker(b, projection.Projection{Name: "all", Handler: all}, projection.Projection{Name: "new", Start: chat.StartNow, Handler: fresh})
	await(t, "all old messages are handled", func() bool { _, n := all.count(); return n == 30*150 })
	await(t, "the other one has begun", func() bool {
		return len(b.state("new").Owners) == 1 && b.state("new").Owners[slices.Collect(maps.Keys(b.state("new").Owners))[0]] == 256
	})
	for round := range 5 {
		send(1000 + round)
	}
	await(t, "all new messages are handled", func() bool {
		_, n := all.count()
		_, m := fresh.count()
		return n == 30*155 && m == 30*5
	})
	stop()
	stop = b.worker(b, projection.Projection{Name: "all", Handler: all})
	b.send("room0", "last")
	want["room0"] += " last"
	await(t, "it goes on", func() bool { return all.got("room0") == want["room0"] })
	stop()
	if events, unique := all.count(); events != unique {
		t.Errorf("%d events came for %d", events, unique)
	}
	for room, texts := range want {
		if got := all.got(room); got != texts {
			t.Errorf("%s has %s, want %s", room, got, texts)
		}
	}
	if len(all.faults) > 0 {
		t.Error(all.faults)
	}
	if state := b.state("all"); state.Lag != 0 || state.Behind != 0 || state.Handled != 30*155+1 || len(state.Owners) != 0 {
		t.Errorf("at the end it is %+v", state)
	}
}

// dying is a source of a worker that has been killed.
type dying struct {
	projection.Source
	mutex sync.Mutex
	dead  bool
}

var errDead = errors.New("killed")

func (d *dying) kill() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.dead = true
}

func (d *dying) err() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.dead {
		return errDead
	}
	return nil
}

func (d *dying) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.Source.Commit(ctx, name, commits)
}

func (d *dying) Claim(ctx context.Context, r chat.ClaimRequest) (chat.Claimed, error) {
	if err := d.err(); err != nil {
		return chat.Claimed{}, err
	}
	return d.Source.Claim(ctx, r)
}

func (d *dying) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	if err := d.err(); err != nil {
		return nil, err
	}
	return d.Source.PartitionStates(ctx, partitions)
}

// TestTakeOver: two workers share the partitions. When one is killed the other takes over, and nothing is skipped.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	p := projection.Projection{Name: "p", Handler: s}
	killed := &dying{Source: b}
	stopKilled := b.worker(killed, p)
	stop := b.worker(b, p)
	await(t, "both have partitions", func() bool {
		owners := b.state("p").Owners
		some := 0
		for _, n := range owners {
			some += n
		}
		return len(owners) == 2 && some == 256
	})
	sent := 0
	send := func(n int) {
		for range n {
			b.send(fmt.Sprint("room", sent%50), fmt.Sprint(sent))
			sent++
		}
	}
	send(500)
	killed.kill()
	send(500)
	began := time.Now()
	await(t, "all is handled", func() bool { _, n := s.count(); return n == sent })
	await(t, "one has all partitions", func() bool {
		owners := b.state("p").Owners
		return len(owners) == 1 && slices.Contains(slices.Collect(maps.Values(owners)), 256)
	})
	t.Logf("taken over after %v", time.Since(began))
	stopKilled()
	stop()
	if len(s.faults) > 0 {
		t.Error(s.faults)
	}
	for c := range 50 {
		var want []string
		for i := c; i < sent; i += 50 {
			want = append(want, fmt.Sprint(i))
		}
		if room := fmt.Sprint("room", c); s.got(room) != strings.Join(want, " ") {
			t.Errorf("%s has %s", room, s.got(room))
		}
	}
}

// TestFailures: an event that fails comes again, before those that follow it in its chat; other chats go on. One that is
// rejected becomes a dead letter, which may be revived.
func TestFailures(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	down := true
	s.fail = func(e projection.Event) error {
		switch {
		case e.Last().Text == "poison":
			return projection.Reject(errors.New("not this one"))
		case e.Chat == "slow" && down:
			return errors.New("away")
		}
		return nil
	}
	b.worker(b, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: 10 * time.Millisecond})
	for _, text := range []string{"1", "2", "3"} {
		b.send("slow", text)
	}
	for _, text := range []string{"1", "poison", "3"} {
		b.send("quick", text)
	}
	await(t, "the other chat goes on", func() bool { return s.got("quick") == "1 3" })
	await(t, "the state says so", func() bool {
		state := b.state("p")
		return state.Error == "away" && state.FailingSince > 0 && state.DeadLetters == 1 && state.Lag > 0
	})
	letters, err := b.DeadLetters(t.Context(), "p", 0)
	if err != nil || len(letters) != 1 || letters[0].Error != "not this one" || !strings.HasPrefix(letters[0].Event, "quick@") {
		t.Errorf("the dead letters are %v, %v", letters, err)
	}
	s.set(func(projection.Event) error { return errors.New("farther away") })
	await(t, "the state has the last error", func() bool { return b.state("p").Error == "farther away" })
	s.set(func(e projection.Event) error {
		if e.Last().Text == "poison" {
			return projection.Reject(errors.New("still not"))
		}
		return nil
	})
	await(t, "what failed comes again", func() bool { return s.got("slow") == "1 2 3" })
	await(t, "the state says that it works", func() bool {
		state := b.state("p")
		return state.FailingSince == 0 && state.Error == "" && state.Lag == 0
	})
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection})
	await(t, "it is rejected again", func() bool {
		letters, _ := b.DeadLetters(t.Context(), "p", 0)
		return len(letters) == 1 && letters[0].Error == "still not"
	})
	s.set(nil)
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReviveProjection})
	await(t, "it is revived", func() bool { return strings.Contains(s.got("quick"), "poison") && b.state("p").DeadLetters == 0 })
}

// TestGiveUp: after a time an event that fails becomes a dead letter.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	s.fail = func(e projection.Event) error {
		if e.Last().Text == "2" {
			return errors.New("away")
		}
		return nil
	}
	b.worker(b, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: time.Millisecond, GiveUp: 50 * time.Millisecond})
	for _, text := range []string{"1", "2", "3"} {
		b.send("room", text)
	}
	await(t, "the third is handled", func() bool { return s.got("room") == "1 3" && b.state("p").DeadLetters == 1 })
}

// TestPauseReplaySkip: a paused projection waits; a replay begins again; a skip leaves out what is there.
func TestPauseReplaySkip(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	stop := b.worker(b, projection.Projection{Name: "p", Handler: s})
	first := b.send("room", "1")
	second := b.send("room", "2")
	await(t, "both are handled", func() bool { return s.got("room") == "1 2" })
	events := func(n int) func() bool { return func() bool { got, _ := s.count(); return got == n } }
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection})
	await(t, "both are handled again", events(4))
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection, Start: second})
	await(t, "the second is handled again", events(5))
	b.change(chat.ProjectionChange{Name: "p", Action: chat.PauseProjection})
	stop()
	b.worker(b, projection.Projection{Name: "p", Handler: s}) // knows it from the beginning
	b.send("room", "4")
	b.send("other", "5")
	await(t, "they wait", func() bool { state := b.state("p"); return state.Paused && state.Behind == 2 && len(state.Owners) == 1 })
	b.change(chat.ProjectionChange{Name: "p", Action: chat.SkipProjection, Chat: "room"})
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ResumeProjection})
	await(t, "the other chat is handled", func() bool { return s.got("other") == "5" })
	b.send("room", "6")
	await(t, "the chat goes on behind what was skipped", func() bool { return strings.HasSuffix(s.got("room"), " 6") })
	if strings.Contains(s.got("room"), "4") {
		t.Errorf("what was skipped was handled: %s", s.got("room"))
	}
	if s.ids[2] != chat.EventID("room", first) {
		t.Errorf("the replay began with %s", s.ids[2])
	}
}

// TestOvertaken: what retention removes before it is handled becomes a dead letter, and the rest is handled.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{MaxChatMessages: 2})
	s := newSink()
	stop := b.worker(b, projection.Projection{Name: "p", Handler: s})
	b.send("room", "1")
	await(t, "the first is handled", func() bool { return s.got("room") == "1" })
	stop()
	stopped := b.state("p")
	for stopped.Created > 0 && time.Since(time.UnixMicro(s.last["room"])) < 2500*time.Millisecond { // longer than what may go unseen
		b.send("room", "lost")
	}
	b.send("room", "2")
	b.send("room", "3")
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	await(t, "the rest is handled", func() bool { return s.got("room") == "1 2 3" })
	await(t, "it is said", func() bool { return b.state("p").DeadLetters == 1 })
	if letters, err := b.DeadLetters(t.Context(), "p", 1); err != nil || !strings.Contains(letters[0].Error, "retention may have removed") {
		t.Errorf("the dead letter is %v, %v", letters, err)
	}
}

// TestDeletedRoom: a room that is deleted with events before the cursor holds nothing up, and its cursor goes.
func TestDeletedRoom(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	ctx := chat.WithCaller(t.Context(), chat.Caller{User: "ann"})
	if _, err := b.rooms.CreateRoom(ctx, chat.NewRoom{ID: "doomed", As: "ann"}); err != nil {
		t.Fatal(err)
	}
	s := newSink()
	s.fail = func(e projection.Event) error {
		if e.Chat == "doomed" {
			return errors.New("not yet")
		}
		return nil
	}
	b.worker(service{b}, projection.Projection{Name: "p", Handler: s, FirstRetry: time.Millisecond, LastRetry: time.Millisecond})
	await(t, "it fails", func() bool { return b.state("p").FailingSince > 0 })
	if _, err := b.rooms.ChangeRoom(ctx, chat.RoomChange{Room: "doomed", Kind: chat.DeleteRoom, As: "ann"}); err != nil {
		t.Fatal(err)
	}
	await(t, "nothing waits any more", func() bool { state := b.state("p"); return state.Lag == 0 && state.FailingSince == 0 })
	b.send("room", "1")
	await(t, "others are handled", func() bool { return s.got("room") == "1" })
}

// service makes its calls as a service.
type service struct{ *bed }

func (s service) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	return s.bed.Pull(chat.WithCaller(ctx, chat.Caller{User: "worker", Service: true}), r)
}

// TestBurstEvents: bursts of a chat are events, and a restart loses none.
func TestBurstEvents(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	s := newSink()
	rule := projection.Bursts{Messages: 10, Quiet: 300 * time.Millisecond, Longest: time.Second}
	p := projection.Projection{Name: "p", Handler: s, Bursts: &rule}
	stop := b.worker(b, p)
	var want []string
	for i := range 25 {
		b.send("room", fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
	}
	stop()
	b.worker(b, p)
	await(t, "all come", func() bool { return s.got("room") == strings.Join(want, " ") })
	if events, unique := s.count(); events != unique || events < 3 {
		t.Errorf("%d events came, %d of them once", events, unique)
	}
}

// counter counts texts.
type counter struct{ *sink }

func (counter) Count(_ context.Context, events []projection.Event) ([]chat.Count, error) {
	var counts []chat.Count
	for _, e := range events {
		counts = append(counts, chat.Count{Group: "texts", Counter: e.Last().Text, Amount: 1})
	}
	return counts, nil
}

// forgetful makes one commit in three and loses the answer, and does not make the next one.
type forgetful struct {
	projection.Source
	mutex sync.Mutex
	n     int
}

func (f *forgetful) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.n++
	if f.n%3 == 2 {
		return nil, errDead
	}
	stored, err := f.Source.Commit(ctx, name, commits)
	if f.n%3 == 1 {
		return nil, errDead
	}
	return stored, err
}

// TestCountsOnce: counts are stored once with the cursor, also where the answer of a commit is lost, and anew by a replay.
func TestCountsOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	b.worker(&forgetful{Source: b}, projection.Projection{Name: "p", Handler: counter{newSink()}})
	total := func() (n int) {
		for p := range 256 {
			counted, _ := b.redis.Do(fmt.Sprintf("HGET im:{%d}:counts:p:texts word", p))
			var one int
			_, _ = fmt.Sscan(counted, &one)
			n += one
		}
		return n
	}
	sent := 0
	send := func(n int) {
		for i := range n {
			b.send(fmt.Sprint("room", i%20), "word")
			sent++
		}
	}
	exact := func(when string) {
		t.Helper()
		await(t, "all are counted "+when, func() bool { return total() >= sent })
		for range 3 { // each is stored after all that is unsure in its partition
			send(20)
			await(t, "all are counted "+when, func() bool { return total() >= sent })
		}
		if n := total(); n != sent {
			t.Errorf("%s %d are counted, want %d", when, n, sent)
		}
	}
	send(300)
	exact("at first")
	b.change(chat.ProjectionChange{Name: "p", Action: chat.ReplayProjection})
	exact("after a replay")
}

// unsteady counts, but fails each second time after the first event.
type unsteady struct {
	counter
	n *atomic.Int64
}

func (u unsteady) Count(ctx context.Context, events []projection.Event) ([]chat.Count, error) {
	counts, err := u.counter.Count(ctx, events)
	if u.n.Add(1)%2 == 1 {
		return counts[:1], projection.Handled(1, errors.New("away"))
	}
	return counts, err
}

// TestCountsAfterAnError: what a counter says together with an error does not count, and all of the events come again.
func TestCountsAfterAnError(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	for range 50 {
		b.send("room", "word")
	}
	b.worker(b, projection.Projection{Name: "p", Handler: unsteady{counter{newSink()}, &atomic.Int64{}}, FirstRetry: time.Millisecond, LastRetry: time.Millisecond})
	await(t, "all are handled", func() bool { state := b.state("p"); return state.Handled == 50 && state.Behind == 0 })
	if got, _ := b.redis.Do("HGET im:{97}:counts:p:texts word"); got != "50" {
		t.Errorf("%s are counted, want 50", got)
	}
}

// TestTokensRise: also above those of a removed projection of the same name, whose owner may still be there.
func TestTokensRise(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	claim := func(worker string) int64 {
		t.Helper()
		claimed, err := b.Claim(t.Context(), chat.ClaimRequest{Projection: "p", Worker: worker, Claims: []chat.Claim{{Partition: 97}}})
		if err != nil {
			t.Fatal(err)
		}
		return claimed.Leases[0].Token
	}
	first := claim("first")
	b.change(chat.ProjectionChange{Name: "p", Action: chat.RemoveProjection})
	if second := claim("second"); first == 0 || second <= first {
		t.Errorf("the token is %d after %d", second, first)
	}
	stored, err := b.Commit(t.Context(), "p", []chat.Commit{{Partition: 97, Token: first}})
	if err != nil || stored[0] {
		t.Errorf("the commit of the first owner is stored: %v, %v", stored, err)
	}
}

// shifted is a storage whose clock may go back.
type shifted struct {
	*bed
	mutex sync.Mutex
	by    time.Duration
}

func (s *shifted) back(by time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.by = by
}

func (s *shifted) now() time.Time {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return time.Now().Add(-s.by)
}

func (s *shifted) PartitionStates(ctx context.Context, partitions []int) ([]chat.PartitionState, error) {
	states, err := s.bed.PartitionStates(ctx, partitions)
	now := s.now().UnixMicro()
	for i := range states {
		states[i].Clock = now
	}
	return states, err
}

func newShifted(t *testing.T) *shifted {
	t.Helper()
	s := &shifted{}
	s.bed = newBed(t, storage.Options{Clock: s.now})
	return s
}

// TestClockGoesBack: messages that get positions of the past are found.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	b := newShifted(t)
	s := newSink()
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	for i := range 20 {
		b.send(fmt.Sprint("room", i), "before")
	}
	await(t, "all are handled", func() bool { _, n := s.count(); return n == 20 })
	b.back(5 * time.Minute)
	for i := range 20 {
		b.send(fmt.Sprint("new", i), "after") // in all likelihood in partitions of the others, too
	}
	b.send("room0", "after")
	await(t, "all are handled", func() bool { _, n := s.count(); return n == 41 })
}

// TestOlderData: Redis comes back without the last messages, which were handled, and with an earlier clock. What is said then is
// handled, though its positions may be before the cursor.
func TestOlderData(t *testing.T) {
	t.Parallel()
	b := newShifted(t)
	s := newSink()
	b.worker(b, projection.Projection{Name: "p", Handler: s})
	kept := b.send("room", "1")
	lost := b.send("room", "2")
	b.send("room", "3")
	await(t, "all are handled", func() bool { return s.got("room") == "1 2 3" })
	b.back(time.Since(time.UnixMicro(lost)) + 10*time.Second) // so that the next message follows the first one at once
	for _, command := range []string{
		fmt.Sprintf("ZREMRANGEBYSCORE im:{97}:log:room %d +inf", lost), fmt.Sprintf("ZADD im:{97}:activity %d room", kept),
	} {
		if _, err := b.redis.Do(command); err != nil {
			t.Fatal(err)
		}
	}
	if again := b.send("room", "4"); again > lost {
		t.Fatalf("the message has position %d, want at most %d", again, lost)
	}
	await(t, "what was said after the loss is handled", func() bool { return strings.HasSuffix(s.got("room"), "4") })
}

// counted is a source that counts what is asked of it.
type counted struct {
	projection.Source
	pulls, cursors atomic.Int64
}

func (c *counted) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	c.pulls.Add(1)
	return c.Source.Pull(ctx, r)
}

func (c *counted) Commit(ctx context.Context, name string, commits []chat.Commit) ([]bool, error) {
	for _, commit := range commits {
		c.cursors.Add(int64(len(commit.Cursors)))
	}
	return c.Source.Commit(ctx, name, commits)
}

// TestManyChatsAtOnce: of 2,000 chats that move at once, or 10,000, each is pulled once, and its cursor is stored once.
func TestManyChatsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, storage.Options{})
	chats := longtest.Pick(2000, 10_000)
	var batch []chat.Sending
	for i := range chats {
		batch = append(batch, chat.Sending{Message: chat.Message{Chat: fmt.Sprint("room", i), Sender: "ann", Text: "hello"}})
	}
	for part := range slices.Chunk(batch, 500) {
		for _, r := range b.SendAll(t.Context(), part) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	s, source := newSink(), &counted{Source: b}
	b.worker(source, projection.Projection{Name: "p", Handler: s})
	await(t, "all are handled and stored", func() bool { _, n := s.count(); return n == chats && b.state("p").Behind == 0 })
	if pulls, cursors := source.pulls.Load(), source.cursors.Load(); pulls != int64(chats) || cursors != int64(chats) {
		t.Errorf("%d chats cost %d pulls and %d stored cursors, want one each", chats, pulls, cursors)
	}
}
