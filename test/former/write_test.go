package former

import (
	"errors"
	"strings"
	"time"

	"github.com/pullchat/pullchat/client"
	former "github.com/pullchat/pullchat/test/former/client"
)

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
