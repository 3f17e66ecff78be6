// Package former tests that a client of an earlier version still reads chats with everything that later ones put there. README.md
// says which version that is.
package former

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	former "github.com/pullchat/pullchat/test/former/client"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// patience is far above what anything here needs.
const patience = time.Minute

// ends is the text of the last message of each chat.
const ends = "that was all"

// TestFormerClient: a client of the former version pulls, resumes, follows and counts in chats that have every kind of entry,
// and sends to them. Half of the entries come while it follows.
func TestFormerClient(t *testing.T) {
	t.Parallel()
	redistest.Need(t)
	for _, auth := range []*programtest.Auth{nil, programtest.NewAuth(t)} {
		t.Run("AUTH="+auth.String(), func(t *testing.T) {
			t.Parallel()
			w := start(t, auth)
			w.write("first")
			w.pulls()
			w.counts()
			middle := map[string]int64{}
			for _, name := range w.chats {
				log := w.log(name)
				middle[name] = log[len(log)/2].SendTime
			}
			followers := w.follow(middle)
			w.write("second")
			w.passing()
			w.answer()
			for _, name := range w.chats {
				w.send(name, "alice", ends, nil)
			}
			for _, f := range followers {
				f.await(w)
			}
			w.pulls()
			w.counts()
		})
	}
}

// world is a server with two chats that alice and bob are in, and a client of each version. programtest.As sets the user.
type world struct {
	t       *testing.T
	auth    *programtest.Auth
	current *client.Client
	former  *former.Client
	chats   []string
	gone    []string // texts that were deleted, or edited away
}

const (
	pair = "alice:bob"
	club = "club"
)

func start(t *testing.T, auth *programtest.Auth) *world {
	t.Helper()
	serve := programtest.StartServe(t, auth.Gateways("DATA_DIR="+t.TempDir(), "RPC_ADDR=127.0.0.1:0")...)
	base := "http://" + serve.Addr()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	asking := &http.Client{Transport: auth.Transport(transport, "bob")}
	w := &world{t: t, auth: auth, chats: []string{pair, club}}
	var err error
	if w.current, err = client.New(base, asking); err != nil {
		t.Fatal(err)
	}
	if w.former, err = former.New(base, asking); err != nil {
		t.Fatal(err)
	}
	if auth.On() {
		programtest.Accounts(t, base, "alice", "bob", "carol", "dave")
	}
	room := client.NewRoom{ID: club, Users: []string{"bob", "carol", "dave"}}
	if _, err := w.current.RoomsAs("alice").Create(w.as("alice"), room); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) as(user string) context.Context { return programtest.As(w.t.Context(), user) }

// must fails the test for an error of a call.
func must[T any](w *world) func(T, error) T {
	return func(answer T, err error) T {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return answer
	}
}

func (w *world) send(name, sender, text string, content *client.Content) client.Change {
	w.t.Helper()
	m := client.Message{Chat: name, Sender: sender, Text: text, Content: content}
	sent := must[client.Receipt](w)(w.current.Send(w.as(sender), m))
	return client.Change{Chat: name, SendTime: sent.SendTime, Sender: sender}
}

// write puts every kind of entry into both chats.
func (w *world) write(part string) {
	w.t.Helper()
	for _, name := range w.chats {
		w.contents(name, part)
		w.changes(name, part)
	}
	w.order(part)
}

// contents sends messages with everything that one can have.
func (w *world) contents(name, part string) {
	w.t.Helper()
	plain := w.send(name, "alice", part+" plain", nil)
	w.send(name, "bob", part+" answer", &client.Content{ReplyTo: plain.SendTime, Mentions: []string{"alice"}})
	w.send(name, "alice", part+" mention", &client.Content{Mentions: []string{"bob"}, Metadata: []byte(`{"order":7,"tags":["a"]}`)})
	for kind, body := range map[string]string{
		"json": `{"chat":"another","text":"inner","send_time":1}`, "location": `{"latitude":52.5,"longitude":13.4}`,
		"form": `{"fields":[{"name":"size","type":"text"}]}`,
	} {
		w.send(name, "alice", part+" "+kind, &client.Content{ContentType: kind, Body: []byte(body)})
	}
	file := client.NewAttachment{Chat: name, Sender: "alice", Name: "a.png", Type: "image/png"}
	uploaded := must[client.Attachment](w)(w.current.Upload(w.as("alice"), file, strings.NewReader(part+" "+name)))
	w.send(name, "alice", part+" picture", client.Attached(uploaded))
	several := []client.Message{
		{Chat: name, Sender: "alice", Text: part + " one of two"},
		{Chat: name, Sender: "alice", Text: part + " two of two", Content: &client.Content{ReplyTo: plain.SendTime}},
	}
	for _, result := range must[[]client.SendResult](w)(w.current.SendAll(w.as("alice"), several)) {
		if result.Err != nil {
			w.t.Fatal(result.Err)
		}
	}
}

// changes changes messages in every way.
func (w *world) changes(name, part string) {
	w.t.Helper()
	do := must[client.Receipt](w)
	draft := w.send(name, "alice", part+" draft", nil)
	do(w.current.Edit(w.as("alice"), draft, part+" fair copy"))
	secret := w.send(name, "alice", part+" secret", &client.Content{Mentions: []string{"bob"}})
	do(w.current.Edit(w.as("alice"), secret, part+" worse secret"))
	do(w.current.Delete(w.as("alice"), secret))
	w.gone = append(w.gone, part+" draft", part+" secret", part+" worse secret")
	liked := w.send(name, "alice", part+" liked", nil)
	do(w.current.React(w.as("alice"), liked, "👍"))
	liked.Sender = "bob"
	do(w.current.React(w.as("bob"), liked, "👍"))
	do(w.current.React(w.as("bob"), liked, "🎉"))
	do(w.current.Unreact(w.as("bob"), liked, "👍"))
}

// order keeps order in the room in every way, and lets it be as it was.
func (w *world) order(part string) {
	w.t.Helper()
	pinned := w.send(club, "alice", part+" rules", nil)
	as, rooms, do := w.as("alice"), w.current.RoomsAs("alice"), must[client.Room](w)
	do(rooms.Pin(as, club, pinned.SendTime))
	do(rooms.Mute(as, club, "dave", time.Now().Add(time.Hour), part))
	do(rooms.Ban(as, club, "carol", time.Time{}, part))
	do(rooms.SlowMode(as, club, "1h"))
	do(rooms.Announce(as, club, true))
	shown := must[former.Room](w)(w.former.RoomsAs("bob").Show(w.as("bob"), club))
	if shown.Count != 3 {
		w.t.Errorf("the room has %d members, want 3: %+v", shown.Count, shown)
	}
	if w.auth.On() { // without accounts no rule of a room binds a sender
		_, err := w.former.Send(w.as("dave"), former.Message{Chat: club, Sender: "dave", Text: "muted"})
		if refused, ok := errors.AsType[*former.Error](err); !ok || refused.Code != "permission_denied" {
			w.t.Errorf("a send of a muted user = %v, want permission_denied", err)
		}
	}
	do(rooms.Announce(as, club, false))
	do(rooms.SlowMode(as, club, ""))
	do(rooms.Unban(as, club, "carol", part))
	do(rooms.Add(as, club, "carol"))
	do(rooms.Unmute(as, club, "dave", part))
	do(rooms.Unpin(as, club, pinned.SendTime))
}

// passing sends what followers are told of and is not stored.
func (w *world) passing() {
	w.t.Helper()
	for _, name := range w.chats {
		newest := w.log(name)
		at := newest[len(newest)-1].NextCursor()
		if _, _, err := w.current.Delivered(w.as("bob"), client.Reading{Chat: name, Reader: "bob/phone", Cursor: at}); err != nil {
			w.t.Fatal(err)
		}
		if err := w.current.Signal(w.as("alice"), client.Signal{Chat: name, Sender: "alice", Type: "typing"}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// answer sends from the former client, and reads that with the current one.
func (w *world) answer() {
	w.t.Helper()
	for _, name := range w.chats {
		m := former.Message{Chat: name, Sender: "bob", Text: "from the former client", ID: "former"}
		sent := must[former.Receipt](w)(w.former.Send(w.as("bob"), m))
		again := must[former.Receipt](w)(w.former.Send(w.as("bob"), m))
		if sent.Duplicate || !again.Duplicate || again.SendTime != sent.SendTime {
			w.t.Errorf("a send and its repetition = %+v, %+v", sent, again)
		}
		log := w.log(name)
		read := log[len(log)-1]
		want := client.Message{Chat: name, Sender: m.Sender, Text: m.Text, ID: m.ID, SendTime: sent.SendTime}
		if read != want {
			w.t.Errorf("the current client reads %+v, want %+v", read, want)
		}
		to := client.Change{Chat: name, SendTime: sent.SendTime, Sender: "alice"}
		must[client.Receipt](w)(w.current.React(w.as("alice"), to, "👍"))
		w.send(name, "alice", "an answer", &client.Content{ReplyTo: sent.SendTime})
	}
}

// log is a chat as the current client reads it.
func (w *world) log(name string) (log []client.Message) {
	w.t.Helper()
	for m, err := range w.current.All(w.as("bob"), client.PullRequest{Chat: name, Limit: 50}) {
		if err != nil {
			w.t.Fatal(err)
		}
		log = append(log, m)
	}
	return log
}

// pulls reads the chats with the former client: from the beginning, from every cursor, and backwards.
func (w *world) pulls() {
	w.t.Helper()
	for _, name := range w.chats {
		log := w.log(name)
		w.same("pull from zero", w.pull(former.PullRequest{Chat: name, Limit: 3}), log)
		for at := range log {
			w.same(fmt.Sprint("pull from entry ", at), w.pull(former.PullRequest{Chat: name, Cursor: log[at].SendTime, Limit: 50}), log[at:])
		}
		back := w.pull(former.PullRequest{Chat: name, Limit: 7, Reverse: true})
		slices.Reverse(back)
		w.same("pull in reverse", back, log)
	}
}

func (w *world) pull(request former.PullRequest) (got []former.Message) {
	w.t.Helper()
	for m, err := range w.former.All(w.as("bob"), request) {
		if err != nil {
			w.t.Fatalf("pull of %+v: %v", request, err)
		}
		got = append(got, m)
	}
	for _, m := range got {
		if slices.Contains(w.gone, m.Text) {
			w.t.Errorf("%q is there at %d of %s", m.Text, m.SendTime, m.Chat)
		}
	}
	return got
}

// same compares what the former client read with what the current one reads now.
func (w *world) same(how string, got []former.Message, want []client.Message) {
	w.t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			w.t.Fatalf("%s: %q at %d is missing", how, want[i].Text, want[i].SendTime)
		case i >= len(want):
			w.t.Fatalf("%s: there is %q at %d, which is not in the chat", how, got[i].Text, got[i].SendTime)
		case plain(got[i]) != current(want[i]):
			w.t.Fatalf("%s: entry %d is %+v, want %+v", how, i, plain(got[i]), current(want[i]))
		}
	}
}

// seen is what both versions know of a message.
type seen struct {
	chat, text, sender, id string
	at                     int64
	erased                 bool
	event, users, name     string
}

func plain(m former.Message) seen {
	s := seen{chat: m.Chat, text: m.Text, sender: m.Sender, id: m.ID, at: m.SendTime, erased: m.Erased}
	if m.Notice != nil {
		s.event, s.users, s.name = m.Event, fmt.Sprint(m.Users), m.Name
	}
	return s
}

func current(m client.Message) seen {
	s := seen{chat: m.Chat, text: m.Text, sender: m.Sender, id: m.ID, at: m.SendTime, erased: m.Erased}
	if m.Notice != nil {
		s.event, s.users, s.name = m.Event, fmt.Sprint(m.Users), m.Notice.Name
	}
	return s
}

// counts compares inboxes and the numbers of unread messages, from the beginning and from a cursor that the former client moves.
func (w *world) counts() {
	w.t.Helper()
	logs, cursors := map[string][]client.Message{}, map[string]int64{}
	for _, name := range w.chats {
		logs[name] = w.log(name)
	}
	for _, part := range []int{0, 3, 2} { // into the chat
		for name, log := range logs {
			if part == 0 {
				continue
			}
			to := former.Reading{Chat: name, Reader: "bob", Cursor: log[len(log)/part].SendTime}
			cursors[name] = must[int64](w)(w.former.Read(w.as("bob"), to))
		}
		unread := must[map[string]int](w)(w.former.Unread(w.as("bob"), "bob"))
		inbox := must[former.Inbox](w)(w.former.Inbox(w.as("bob"), former.InboxRequest{Reader: "bob"}))
		if len(inbox.Chats) != len(w.chats) || inbox.HasMore {
			w.t.Fatalf("the inbox is %+v, want %d chats", inbox, len(w.chats))
		}
		for _, entry := range inbox.Chats {
			log := logs[entry.Chat]
			want := 0
			for _, m := range log {
				if m.SendTime >= entry.Cursor && m.Sender != "bob" && m.Notice == nil && !m.Erased {
					want++
				}
			}
			if entry.Unread != want || unread[entry.Chat] != want {
				w.t.Errorf("%s has %d unread messages in the inbox and %d in the list, want %d", entry.Chat, entry.Unread, unread[entry.Chat], want)
			}
			if cursors[entry.Chat] != 0 && entry.Cursor != cursors[entry.Chat] {
				w.t.Errorf("the cursor of %s is %d, want %d", entry.Chat, entry.Cursor, cursors[entry.Chat])
			}
			w.last(entry, log)
		}
	}
}

// last compares the last message of a chat in the inbox.
func (w *world) last(entry former.InboxEntry, log []client.Message) {
	w.t.Helper()
	known := slices.IndexFunc(log, func(m client.Message) bool { return entry.Last != nil && m.SendTime == entry.Last.SendTime })
	if known < 0 {
		w.t.Errorf("the last message of %s is %+v, which is not in the chat", entry.Chat, entry.Last)
		return
	}
	w.same("last message of an inbox", []former.Message{*entry.Last}, log[known:known+1])
	shown := must[client.Inbox](w)(w.current.Inbox(w.as("bob"), client.InboxRequest{Reader: "bob"}))
	for _, same := range shown.Chats {
		if same.Chat == entry.Chat && (same.Last == nil || same.Last.SendTime != entry.Last.SendTime) {
			w.t.Errorf("the last message of %s is %+v, and for the current client %+v", entry.Chat, entry.Last, same.Last)
		}
	}
}

// follower is a client of the former version that follows both chats until each ends.
type follower struct {
	name string
	from map[string]int64
	done chan struct{}

	got map[string][]former.Message
	err error
}

// follow starts followers over every transport: from zero, from the middle, and of the inbox, whose cursors are in the middle too.
// It returns when each is connected.
func (w *world) follow(middle map[string]int64) []*follower {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.as("bob"), patience)
	w.t.Cleanup(cancel)
	zero, read := map[string]int64{}, map[string]int64{}
	for _, name := range w.chats {
		zero[name] = 0
	}
	for _, entry := range must[former.Inbox](w)(w.former.Inbox(ctx, former.InboxRequest{Reader: "bob"})).Chats {
		read[entry.Chat] = entry.Cursor
	}
	var followers []*follower
	for over, transport := range map[former.Transport]string{former.ServerSentEvents: "sse", former.WebSocket: "ws", former.LongPoll: "poll"} {
		request := former.FollowRequest{Over: over}
		if over != former.LongPoll {
			request.Reader = "bob"
			inbox := request
			inbox.Inbox = true
			followers = append(followers, w.followed(ctx, "inbox over "+transport, read, inbox))
		}
		for from, cursors := range map[string]map[string]int64{"zero": zero, "the middle": middle} {
			request.Chats = cursors
			followers = append(followers, w.followed(ctx, "chats from "+from+" over "+transport, cursors, request))
		}
	}
	return followers
}

func (w *world) followed(ctx context.Context, name string, from map[string]int64, request former.FollowRequest) *follower {
	f := &follower{name: name, from: from, done: make(chan struct{}), got: map[string][]former.Message{}}
	heard, once := make(chan struct{}), sync.Once{}
	go func() {
		defer close(f.done)
		ended := map[string]bool{}
		for m, err := range w.former.Follow(ctx, request) {
			if f.err = err; err != nil {
				break
			}
			once.Do(func() { close(heard) })
			f.got[m.Chat] = append(f.got[m.Chat], m)
			if ended[m.Chat] = ended[m.Chat] || m.Text == ends; ended[pair] && ended[club] {
				break
			}
		}
		once.Do(func() { close(heard) })
	}()
	<-heard
	return f
}

// await waits for the follower's end, and compares what it got. A message that changed later may have been seen as it was then.
func (f *follower) await(w *world) {
	w.t.Helper()
	<-f.done
	if f.err != nil {
		w.t.Fatalf("%s: %v", f.name, f.err)
	}
	for _, name := range w.chats {
		var want []client.Message
		for _, m := range w.log(name) {
			if m.SendTime >= f.from[name] {
				want = append(want, m)
			}
		}
		got := f.got[name]
		for i, m := range want[:min(len(want), len(got))] {
			changed := m.State != nil && (m.Edited != 0 || m.Deleted != 0)
			if changed && slices.Contains(w.gone, got[i].Text) {
				got[i].Text, got[i].Erased = m.Text, m.Erased
			}
		}
		w.same(f.name, got, want)
	}
}
