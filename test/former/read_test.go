package former

import (
	"fmt"
	"slices"

	"github.com/pullchat/pullchat/client"
	former "github.com/pullchat/pullchat/test/former/client"
)

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
