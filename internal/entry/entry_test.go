package entry

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// The stored forms of today, and of servers before Kind.
var forms = []struct {
	name   string
	today  string
	before string
	means  chat.Message
}{
	{
		"a message",
		"\x0b\x00\x02\x00\x00\x00\x03bob" + "\x03\x00\x06\x01" + "\x0b\x00\x03\x00\x00\x00\x017" + "\x0b\x00\x01\x00\x00\x00\x02hi" + "\x00",
		"\x0b\x00\x01\x00\x00\x00\x02hi" + "\x0b\x00\x02\x00\x00\x00\x03bob" + "\x0b\x00\x03\x00\x00\x00\x017" + "\x00",
		chat.Message{Text: "hi", Sender: "bob", ID: "7"},
	},
	{
		"erased",
		"\x0b\x00\x02\x00\x00\x00\x03bob" + "\x03\x00\x06\x03" + "\x0b\x00\x03\x00\x00\x00\x017" + "\x02\x00\x05\x01" + "\x0b\x00\x01\x00\x00\x00\x00" + "\x00",
		"\x02\x00\x05\x01" + "\x0b\x00\x01\x00\x00\x00\x00" + "\x0b\x00\x02\x00\x00\x00\x03bob" + "\x0b\x00\x03\x00\x00\x00\x017" + "\x00",
		chat.Message{Sender: "bob", ID: "7", Erased: true},
	},
	{
		"a notice",
		"\x0b\x00\x02\x00\x00\x00\x03bob" + "\x03\x00\x06\x02" + "\x0c\x00\x04\x0b\x00\x01\x00\x00\x00\x05added\x0f\x00\x02\x0b\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x01b\x0b\x00\x03\x00\x00\x00\x01n\x00" + "\x0b\x00\x01\x00\x00\x00\x02hi" + "\x00",
		"\x0b\x00\x01\x00\x00\x00\x02hi" + "\x0b\x00\x02\x00\x00\x00\x03bob" + "\x0c\x00\x04\x0b\x00\x01\x00\x00\x00\x05added\x0f\x00\x02\x0b\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x01b\x0b\x00\x03\x00\x00\x00\x01n\x00" + "\x00",
		chat.Message{Text: "hi", Sender: "bob", Notice: &chat.Notice{Event: "added", Users: []string{"a", "b"}, Name: "n"}},
	},
}

const digits, at = "1780000000000000", 1_780_000_000_000_000

// TestForms pins the written bytes, and decodes the forms of older servers.
func TestForms(t *testing.T) {
	for _, form := range forms {
		if got := string(Encode(form.means)); got != form.today {
			t.Errorf("%s: Encode() = %q, want %q", form.name, got, form.today)
		}
		if old := string(byGenerated(form.means)); old != form.before {
			t.Errorf("%s: the generated code writes %q, want %q", form.name, old, form.before)
		}
		want := form.means
		want.SendTime = at
		for _, stored := range []string{form.today, form.before} {
			if got, err := Decode(digits + stored); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: Decode(%q) = %+v, %v; want %+v", form.name, stored, got, err, want)
			}
			head, err := ReadHead(digits + stored)
			if want := (chat.Head{Position: at, Sender: "bob", Kind: form.means.Kind()}); err != nil || head != want {
				t.Errorf("%s: ReadHead(%q) = %+v, %v; want %+v", form.name, stored, head, err, want)
			}
		}
	}
}

// byGenerated encodes as servers before Kind did.
func byGenerated(m chat.Message) []byte {
	stored := rpc.StoredMessage{Text: m.Text, Sender: m.Sender}
	if m.ID != "" {
		stored.Id = &m.ID
	}
	if n := m.Notice; n != nil {
		stored.Notice = &rpc.Notice{Event: string(n.Event), Users: n.Users}
		if n.Name != "" {
			stored.Notice.Name = &n.Name
		}
	}
	if m.Erased {
		stored.Erased = &m.Erased
	}
	buf := make([]byte, stored.BLength())
	return buf[:stored.FastWrite(buf)]
}

// generatedReads decodes as servers before Kind do.
func generatedReads(stored string) (m chat.Message, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%v", cause)
		}
	}()
	var s rpc.StoredMessage
	switch n, err := s.FastRead([]byte(stored)); {
	case err != nil:
		return m, err
	case n != len(stored):
		return m, errLong
	}
	m = chat.Message{Text: s.Text, Sender: s.Sender, ID: s.GetId(), Erased: s.GetErased()}
	if s.Notice != nil {
		m.Notice = &chat.Notice{Event: chat.NoticeEvent(s.Notice.Event), Users: s.Notice.Users, Name: s.Notice.GetName()}
	}
	return m, nil
}

// messages generates arbitrary messages.
func messages() *rapid.Generator[chat.Message] {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) string { return string(b) }))
	return rapid.Custom(func(t *rapid.T) chat.Message {
		m := chat.Message{
			Text: text.Draw(t, "text"), Sender: text.Draw(t, "sender"), SendTime: rapid.Int64Range(0, chat.MaxCursor).Draw(t, "at"),
			Erased: rapid.Bool().Draw(t, "erased"),
		}
		if rapid.Bool().Draw(t, "with id") {
			m.ID = text.Draw(t, "id")
		}
		if rapid.Bool().Draw(t, "notice") {
			m.Notice = &chat.Notice{Event: chat.NoticeEvent(text.Draw(t, "event")), Name: text.Draw(t, "name")}
			if rapid.Bool().Draw(t, "with users") {
				m.Notice.Users = append([]string{}, rapid.SliceOfN(text, 0, 3).Draw(t, "users")...)
			}
		}
		return m
	})
}

// TestRoundTrip: this server and one before Kind can each read the other's messages and their own.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := messages().Draw(t, "message")
		member := string(AppendMember(nil, m))
		if encoded := string(Encode(m)); member != fmt.Sprintf("%016d", m.SendTime)+encoded || cap(Encode(m)) < len(encoded) || size(&m) != len(encoded) {
			t.Fatalf("AppendMember(%+v) = %q, Encode() = %q, size() = %d", m, member, encoded, size(&m))
		}
		for _, stored := range []string{member, member[:PositionDigits] + string(byGenerated(m))} {
			if got, err := Decode(stored); err != nil || !reflect.DeepEqual(got, m) {
				t.Fatalf("Decode(%q) = %+v, %v; want %+v", stored, got, err, m)
			}
			head, err := ReadHead(stored)
			if want := (chat.Head{Position: m.SendTime, Sender: m.Sender, Kind: m.Kind()}); err != nil || head != want {
				t.Fatalf("ReadHead(%q) = %+v, %v; want %+v", stored, head, err, want)
			}
		}
		old, err := generatedReads(member[PositionDigits:])
		if old.SendTime = m.SendTime; err != nil || !reflect.DeepEqual(old, m) {
			t.Fatalf("a server before Kind reads %q as %+v, %v; want %+v", member, old, err, m)
		}
	})
}

// FuzzDecode: any string is a message or an error, as for the generated code. An entry that Decode reads has a head.
func FuzzDecode(f *testing.F) {
	for _, form := range forms {
		f.Add(digits + form.today)
		f.Add(digits + form.before)
	}
	for _, seed := range []string{
		"", digits, "9007199254740992\x00", "178000000000000x\x00", digits + "\x0b\x00\x01\x7f\xff\xff\xff", digits + "\x0f\x00\x09\x0c\x7f\xff\xff\xff",
		digits + "\x0d\x00\x09\x02\x0b\x00\x00\x00\x01\x01\x00\x00\x00\x01x" + forms[0].today, // a map
		digits + "\x0e\x00\x09\x06\x00\x00\x00\x02\x00\x01\x00\x02" + forms[0].today,          // a set
		digits + "\x0c\x00\x09\x0a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00" + forms[1].before,
		digits + "\x03\x00\x06\x09" + forms[2].before, digits + "\x04\x00\x0912345678" + forms[0].today + "x",
		digits + strings.Repeat("\x0c\x00\x09", 100),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, member string) {
		got, err := Decode(member)
		if _, ok := Position(member); !ok {
			if _, headErr := ReadHead(member); err == nil || headErr == nil {
				t.Errorf("Decode(%q) = %+v, want an error", member, got)
			}
			return
		}
		want, wantErr := generatedReads(member[PositionDigits:])
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Decode(%q) = %v, the generated code says %v", member, err, wantErr)
		}
		if err != nil {
			return
		}
		want.SendTime, _ = Position(member)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Decode(%q) = %+v, want %+v", member, got, want)
		}
		if _, err := ReadHead(member); err != nil {
			t.Errorf("ReadHead(%q) = %v", member, err)
		}
		if again, err := Decode(string(AppendMember(nil, got))); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("Decode(%q) = %+v, and stored again %+v, %v", member, got, again, err)
		}
	})
}

// TestHeadIsShort: the head of an entry in today's form is read without the rest.
func TestHeadIsShort(t *testing.T) {
	member := digits + forms[0].today[:len("\x0b\x00\x02\x00\x00\x00\x03bob\x03\x00\x06\x01")]
	if head, err := ReadHead(member); err != nil || head.Sender != "bob" || head.Kind != chat.KindMessage {
		t.Errorf("ReadHead(%q) = %+v, %v", member, head, err)
	}
	if _, err := Decode(member); err == nil {
		t.Errorf("Decode(%q) = nil, want an error", member)
	}
}

func TestAllocations(t *testing.T) {
	m := chat.Message{Chat: "a:bob", Text: strings.Repeat("x", 40), Sender: "bob", ID: "7", SendTime: at}
	member := string(AppendMember(nil, m))
	buf := make([]byte, 0, 1000)
	for name, c := range map[string]struct {
		budget float64
		run    func()
	}{
		"Encode":     {1, func() { _ = Encode(m) }},
		"Append":     {0, func() { _ = Append(buf, m) }},
		"ReadHead":   {0, func() { _, _ = ReadHead(member) }},
		"Decode":     {3, func() { _, _ = Decode(member) }}, // text, sender, id
		"AppendJSON": {0, func() { _, _ = AppendJSON(buf, "a:bob", member) }},
	} {
		if got := testing.AllocsPerRun(100, c.run); got > c.budget {
			t.Errorf("%s allocates %v times, want %v", name, got, c.budget)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	member := string(AppendMember(nil, chat.Message{Text: strings.Repeat("hello you ", 4), Sender: "alice", SendTime: at}))
	buf := make([]byte, 0, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendJSON(buf, "alice:bob", member); err != nil {
			b.Fatal(err)
		}
	}
}
