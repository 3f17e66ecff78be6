package storage

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	stored "github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// asBefore is a log's member as servers wrote it that knew no Kind.
func asBefore(m chat.Message) string {
	old := rpc.StoredMessage{Text: m.Text, Sender: m.Sender}
	if m.ID != "" {
		old.Id = &m.ID
	}
	if m.Notice != nil {
		old.Notice = &rpc.Notice{Event: string(m.Notice.Event), Users: m.Notice.Users}
	}
	if m.Erased {
		old.Erased = &m.Erased
	}
	buf := make([]byte, old.BLength())
	return fmt.Sprintf("%016d", m.SendTime) + string(buf[:old.FastWrite(buf)])
}

// someEntries are members of all forms, whole and damaged.
func someEntries(n int) []string {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	text := func(most int) string {
		b := make([]byte, random.IntN(most))
		for i := range b {
			b[i] = byte(random.IntN(256))
		}
		return string(b)
	}
	unknown := []string{
		"\x03\x00\x09\x07", "\x06\x00\x09\x00\x01", "\x08\x00\x0a\x00\x00\x00\x01", "\x0a\x00\x0b12345678", "\x04\x00\x0c12345678",
		"\x0b\x00\x0d\x00\x00\x00\x02\x00\x0b", "\x0c\x00\x0e\x02\x00\x05\x01\x0c\x00\x01\x00\x00", "\x0d\x00\x0f\x0b\x0a\x00\x00\x00\x01\x00\x00\x00\x01x12345678",
		"\x0e\x01\x00\x06\x00\x00\x00\x02\x00\x01\x00\x02", "\x0f\x01\x01\x0c\x00\x00\x00\x02\x00\x03\x00\x01\x07\x00", "\x02\x00\x06\x01", "\x03\x00\x06\x00", "\x03\x00\x06\x7f",
		"\x0f\x00\x09\x0c\x7f\xff\xff\xff", "\x0d\x00\x09\x02\x00\x00\x00\x00\x01\x01", "\x0b\x00\x02\xff\xff\xff\xff", "\x0b\x00\x02\x00\x00\x00\x01b", "\x01\x00\x09",
		strings.Repeat("\x0c\x00\x09", 63) + strings.Repeat("\x00", 63), strings.Repeat("\x0c\x00\x09", 64) + strings.Repeat("\x00", 64),
		strings.Repeat("\x0c\x00\x09", 65) + strings.Repeat("\x00", 65), strings.Repeat("\x0f\x00\x09\x0c\x00\x00\x00\x01", 70),
	}
	var entries []string
	for len(entries) < n {
		m := chat.Message{Text: text(40), Sender: text(12), SendTime: 1_780_000_000_000_000}
		if random.IntN(2) == 0 {
			m.ID = text(10)
		}
		switch random.IntN(4) {
		case 0:
			m.Erased = true
		case 1:
			m.Notice = &chat.Notice{Event: "added", Users: []string{text(5), text(5)}}
		}
		form := asBefore(m)
		if random.IntN(2) == 0 {
			form = string(stored.AppendMember(nil, m))
		}
		field := unknown[random.IntN(len(unknown))]
		switch random.IntN(5) {
		case 0: // cut off
			form = form[:layout.PositionDigits+random.IntN(len(form)-layout.PositionDigits)]
		case 1: // an unknown field at first
			form = form[:layout.PositionDigits] + field + form[layout.PositionDigits:]
		case 2: // and at the end
			form = form[:len(form)-1] + field + "\x00"
		case 3: // a wrong byte
			b := []byte(form)
			b[layout.PositionDigits+random.IntN(len(b)-layout.PositionDigits)] = byte(random.IntN(256))
			form = string(b)
		}
		entries = append(entries, form)
	}
	return entries
}

// TestScriptsReadHeads: entry.lua decodes any entry as package entry does.
func TestScriptsReadHeads(t *testing.T) {
	t.Parallel()
	fragment, err := scriptFiles.ReadFile("scripts/entry.lua")
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: redistest.Start(t, "--appendonly", "no").Addr()})
	t.Cleanup(func() { _ = client.Close() })
	source := string(fragment) + `
local found = {}
for i, stored in ipairs(ARGV) do
  local sender, kind = head(stored)
  found[2 * i - 1], found[2 * i] = sender or '', kind or 0
end
return found`
	const atOnce = 500
	known, damaged := 0, 0
	for all := someEntries(20_000); len(all) > 0; all = all[atOnce:] {
		args := make([]any, atOnce)
		for i := range args {
			args[i] = all[i]
		}
		found, err := client.Eval(context.Background(), source, nil, args...).Slice()
		if err != nil {
			t.Fatal(err)
		}
		for i, member := range all[:atOnce] {
			head, err := stored.ReadHead(member)
			if err != nil {
				damaged++
			} else {
				known++
			}
			if found[2*i] != head.Sender || found[2*i+1] != int64(head.Kind) {
				t.Fatalf("head(%q) = %q, %v; ReadHead() = %+v, %v", member, found[2*i], found[2*i+1], head, err)
			}
		}
	}
	if known < 5000 || damaged < 500 {
		t.Errorf("%d entries were read and %d were damaged, want many of both", known, damaged)
	}
}

// TestPreviewOfErased: an erased message of an ignored user is hidden, no erased message is unread, and a device has its
// user's count. All this holds for entries of today's form and of earlier ones.
func TestPreviewOfErased(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, "--appendonly", "no").URL()
	store := openAt(t, url, Options{})
	for name, form := range map[string]func(chat.Message) string{
		"today":  func(m chat.Message) string { return string(stored.AppendMember(nil, m)) },
		"before": asBefore,
	} {
		room, pair := chattest.ID(t, "room-"+name), chattest.ID(t, "ann-"+name+":bob")
		for i, m := range []chat.Message{
			{Sender: "cleo", Text: "one"},
			{Sender: "bob", Erased: true},
			{Sender: "bob", Erased: true, ID: "7"},
			{Sender: "cleo", Text: "two", Notice: &chat.Notice{Event: "renamed"}},
			{Sender: "cleo", Erased: true, ID: "text"},
			{Sender: "bob", Text: "three"},
			{Sender: "bob", Erased: true},
		} {
			m.SendTime = int64(i + 1)
			for _, chatID := range []chat.ID{room, pair} {
				add := redis.Z{Score: float64(m.SendTime), Member: form(m)}
				if err := store.redis.ZAdd(context.Background(), store.keys.Log(chatID), add).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := store.redis.HSet(context.Background(), store.keys.Room(room), "visibility", "private", "created", "1").Err(); err != nil {
			t.Fatal(err)
		}
		if err := store.redis.HSet(context.Background(), store.keys.Members(room), "ann", "member 1").Err(); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name         string
			chat         chat.ID
			from         int64
			user         string
			ignored      []string
			last, unread int64
		}{
			{"everything", pair, 0, "ann", nil, 7, 2},
			{"without the own", pair, 0, "bob", nil, 7, 1},
			{"without the ignored", pair, 0, "ann", []string{"bob", "eve"}, 5, 1},
			{"both", pair, 0, "cleo", []string{"bob"}, 5, 0},
			{"only erased left", pair, 7, "ann", nil, 0, 0},
			{"nothing left", pair, 8, "ann", nil, 0, 0},
			{"a room", room, 0, "ann", []string{"bob"}, 5, 1},
			{"a room where all are ignored", room, 0, "ann", []string{"bob", "cleo"}, 4, 0},
			{"a room where nobody is ignored", room, 0, "ann", nil, 7, 2},
			{"a room of others", room, 0, "dora", nil, 0, 0},
		} {
			asked := chat.Previews{User: c.user, Ignored: setOf(c.ignored), Chats: []chat.Preview{{Chat: c.chat, From: c.from, Last: c.from == 0}}}
			previewed, err := store.Preview(context.Background(), asked)
			if err != nil {
				t.Fatal(err)
			}
			var last int64
			if previewed[0].Last != nil {
				last = previewed[0].Last.SendTime
			}
			if last != c.last || int64(previewed[0].Unread) != c.unread {
				t.Errorf("%s, %s: Preview() = the last at %d, %d unread; want %d, %d", name, c.name, last, previewed[0].Unread, c.last, c.unread)
			}
		}
	}
}

// TestRangeOfEntries: entries are handed on as they lie there, of today and of before; one without a head fails its range.
func TestRangeOfEntries(t *testing.T) {
	t.Parallel()
	store := openAt(t, redistest.Start(t, "--appendonly", "no").URL(), Options{})
	room := chattest.ID(t, "room")
	members := []string{
		string(stored.AppendMember(nil, chat.Message{Sender: "ann", Text: "one", SendTime: 1})),
		asBefore(chat.Message{Sender: "bob", Erased: true, SendTime: 2}),
	}
	add := func(position int, member string) {
		if err := store.redis.ZAdd(context.Background(), store.keys.Log(room), redis.Z{Score: float64(position), Member: member}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i, member := range members {
		add(i+1, member)
	}
	asked := []chat.Range{{Chat: room, Limit: 10, Raw: true}}
	read := store.Range(context.Background(), asked)[0]
	if read.Err != nil || len(read.Messages) != 0 || len(read.Entries) != 2 || read.Entries[0] != members[0] || read.Entries[1] != members[1] {
		t.Fatalf("Range() = %+v, want the entries %q", read, members)
	}
	if got, want := read.Head(read.Entries[1]), (chat.Head{Position: 2, Sender: "bob", Kind: chat.KindErased}); got != want {
		t.Errorf("Head() = %+v, want %+v", got, want)
	}
	add(3, members[0][:layout.PositionDigits+5])
	if read := store.Range(context.Background(), asked)[0]; chat.AsError(read.Err).Code != chat.Internal {
		t.Errorf("Range() with a damaged entry = %v, want internal", read.Err)
	}
}
