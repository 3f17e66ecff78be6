package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/check"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is a Redis with a prefix, and its servers' storage.
type place struct {
	t           *testing.T
	url, prefix string
	store       *storage.Store
	redis       goredis.UniversalClient
	keys        layout.Keys
}

func newPlace(t *testing.T, url, prefix string) *place {
	t.Helper()
	p := &place{t: t, url: url, prefix: prefix, keys: layout.NewKeys(prefix, layout.DefaultPartitions, 0)}
	var err error
	if p.store, err = storage.Open(url, storage.Options{Prefix: prefix, IdempotencyWindow: time.Hour}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	if p.redis, err = redisnode.Connect(url, redisnode.TLS{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.redis.Close() })
	return p
}

func (p *place) send(name string, m chat.Message) int64 {
	p.t.Helper()
	a := p.store.Append(context.Background(), []chat.Append{{Chat: chattest.ID(p.t, name), Message: m}})[0]
	if a.Err != nil {
		p.t.Fatal(a.Err)
	}
	return a.SendTime
}

// log returns all messages of a chat.
func (p *place) log(name string) (messages []chat.Message) {
	p.t.Helper()
	members, err := p.redis.ZRange(context.Background(), p.keys.Log(chattest.ID(p.t, name)), 0, -1).Result()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, member := range members {
		m, err := layout.DecodeMember(member)
		if err != nil {
			p.t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

func (p *place) importer(options ImportOptions) *Importer {
	p.t.Helper()
	options.Prefix, options.IdempotencyWindow = p.prefix, time.Hour
	options.Locked = func() string { return "locked" }
	i, err := OpenImport(p.url, options)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = i.Close() })
	return i
}

func (p *place) imports(file string) ImportReport {
	p.t.Helper()
	i := p.importer(ImportOptions{PageSize: 7})
	if err := i.Run(context.Background(), strings.NewReader(file)); err != nil {
		p.t.Fatal(err)
	}
	return i.Report()
}

func (p *place) exporter(out io.Writer, options ExportOptions) *Exporter {
	p.t.Helper()
	options.Prefix = p.prefix
	e, err := OpenExport(p.url, out, options)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = e.Close() })
	return e
}

func (p *place) exports() string {
	p.t.Helper()
	var out bytes.Buffer
	if err := p.exporter(&out, ExportOptions{PageSize: 7, Secrets: true}).Run(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	return out.String()
}

// sound wants that a check finds no faults.
func (p *place) sound() {
	p.t.Helper()
	c, err := check.Open(p.url, check.Options{Prefix: p.prefix, IdempotencyWindow: time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Run(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	if r := c.Report(); r.Found() != 0 {
		p.t.Errorf("the check found %+v", r)
	}
}

// file is an export by hand: messages with old timestamps, as another program would write them.
func file(messages ...string) string {
	return `{"kind":"pullchat-export","version":1,"created":1}` + "\n" + strings.Join(messages, "\n") + "\n" + `{"kind":"end"}` + "\n"
}

func message(name string, at int64, sender, text, id string) string {
	return fmt.Sprintf(`{"kind":"message","chat":%q,"send_time":%d,"sender":%q,"text":%q,"id":%q}`, name, at, sender, text, id)
}

// TestImportIntoExistingChats: old messages come before existing ones, and a later send after all.
func TestImportIntoExistingChats(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t).URL(), "to")
	present := p.send("alice:bob", chat.Message{Sender: "alice", Text: "present", ID: "x"})
	var lines []string
	for n := range int64(20) {
		lines = append(lines, message("bob:alice", 1_000_000+n, "bob", fmt.Sprint("old ", n), fmt.Sprint(n)))
	}
	ahead := time.Now().Add(time.Hour).UnixMicro() // by a clock that was ahead
	lines = append(lines, message("bob:alice", ahead, "bob", "ahead", "y"), message("new", 5, "carol", "first", ""))
	if r := p.imports(file(lines...)); r.Messages != 22 || r.Chats != 2 || r.Refused != 0 || !r.Complete {
		t.Errorf("import = %+v, want 22 messages in two chats", r)
	}
	p.sound()
	if next := p.send("alice:bob", chat.Message{Sender: "bob", Text: "next"}); next <= ahead {
		t.Errorf("the next position is %d, want one above %d", next, ahead)
	}
	log := p.log("alice:bob")
	if len(log) != 23 || log[0].Text != "old 0" || log[20].SendTime != present || log[21].Text != "ahead" || log[22].Text != "next" {
		t.Errorf("the log is %+v, want 20 old, one present, one ahead and the next one", log)
	}
	if !slices.IsSortedFunc(log, func(a, b chat.Message) int { return int(a.SendTime - b.SendTime) }) {
		t.Errorf("the log is %+v, want increasing positions", log)
	}
	if next := p.send("new", chat.Message{Sender: "carol", Text: "second"}); next < present {
		t.Errorf("the next position in a new chat is %d, want the time", next)
	}
	if r := p.imports(file(lines...)); r.Messages != 0 || r.Present != 22 || r.Refused != 0 {
		t.Errorf("the second import = %+v, want that all are there", r)
	}
	p.sound()
}

// TestImportRefuses: a chat with a line that does not fit is refused as a whole; the other chats are stored.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t).URL(), "to")
	taken := p.send("alice:bob", chat.Message{Sender: "alice", Text: "taken", ID: "x"})
	for _, c := range []struct {
		name  string
		lines []string
		want  Refusal
	}{
		{
			"another text",
			[]string{message("alice:bob", 7, "bob", "old", ""), message("alice:bob", taken, "alice", "other", "x")},
			Refusal{Chat: "alice:bob", Position: taken, Reason: "another message is stored there"},
		},
		{
			"another sender",
			[]string{message("alice:bob", 7, "bob", "old", ""), message("alice:bob", taken, "bob", "taken", "x")},
			Refusal{Chat: "alice:bob", Position: taken, Reason: "another message is stored there"},
		},
		{
			"a known id elsewhere",
			[]string{message("alice:bob", 7, "bob", "old", ""), message("alice:bob", taken+1, "alice", "taken", "x")},
			Refusal{Chat: "alice:bob", Position: taken + 1, Reason: fmt.Sprintf("the id \"x\" of alice is stored at %d", taken)},
		},
		{
			"order",
			[]string{message("room", 7, "bob", "one", ""), message("room", 7, "bob", "two", "")},
			Refusal{Chat: "room", Position: 7, Reason: "positions must increase, and the one before is 7"},
		},
		{"position 0", []string{message("room", 0, "bob", "one", "")}, Refusal{Chat: "room", Reason: "it is no position"}},
		{
			"a stranger",
			[]string{message("alice:bob", 7, "bob", "old", ""), message("alice:bob", 8, "carol", "two", "")},
			Refusal{Chat: "alice:bob", Position: 8, Reason: `sender "carol" is none of the two`},
		},
		{"no text", []string{message("room", 9, "bob", "", "")}, Refusal{Chat: "room", Position: 9, Reason: "text is empty"}},
		{
			"member",
			[]string{`{"kind":"chat","chat":"room","room":{"visibility":"public","created":"1"},"members":{"a b":"admin 1"}}`},
			Refusal{Chat: "room", Reason: `member "a b" is "admin 1"`},
		},
		{
			"visibility",
			[]string{`{"kind":"chat","chat":"room","room":{"visibility":"odd","created":"1"}}`, message("room", 9, "bob", "x", "")},
			Refusal{Chat: "room", Reason: `the room has visibility "odd" and was created at "1"`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			other := "other-" + strings.ReplaceAll(c.name, " ", "-")
			r := p.imports(file(append(c.lines, message(other, 3, "bob", "fits", ""))...))
			if r.Refused != 1 || len(r.Refusals) != 1 || r.Refusals[0] != c.want || r.Messages != 1 {
				t.Errorf("import = %+v, want one message, and refused %+v", r, c.want)
			}
			if log := p.log("alice:bob"); len(log) != 1 || log[0].Text != "taken" {
				t.Errorf("the log is %+v, want what was there", log)
			}
			if log := p.log("room"); len(log) != 0 {
				t.Errorf("the room has %+v, want nothing", log)
			}
			if log := p.log(other); len(log) != 1 {
				t.Errorf("the other chat has %+v, want its message", log)
			}
		})
	}
	p.t = t
	p.sound()
}

// TestImportRefusesFiles: a file that was cut off, or is none, ends with an error.
func TestImportRefusesFiles(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t).URL(), "to")
	whole := file(message("a:b", 1, "a", "x", ""), message("c:d", 1, "c", "x", ""))
	for _, c := range []struct{ name, file, want string }{
		{"cut off", strings.TrimSuffix(whole, `{"kind":"end"}`+"\n"), "the file has no last line of an export"},
		{"cut in a line", whole[:len(whole)-40], "line 3: unexpected end of JSON input"},
		{"another version", strings.Replace(whole, `"version":1`, `"version":2`, 1), "the file has version 2 of the format, this release reads 1"},
		{"no export", `{"chat":"a:b"}` + "\n", "line 1 is not that of an export"},
		{"a later kind", file(`{"kind":"later"}`), `line 2: a line of kind "later" that this release cannot read`},
		{"messages lost", strings.Replace(whole, `{"kind":"end"}`, `{"kind":"end","total":3}`, 1), "the export had 3 messages, and 2 were read"},
	} {
		i := p.importer(ImportOptions{})
		if err := i.Run(context.Background(), strings.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if err := p.redis.Set(context.Background(), p.keys.PartitionCount(), 16, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := p.importer(ImportOptions{}).Run(context.Background(), strings.NewReader(whole)); err == nil || !strings.Contains(err.Error(), "laid out for 16 partitions") {
		t.Errorf("import into another layout: %v, want that it is refused", err)
	}
}

// TestImportRetention: the import skips messages that the servers would have removed, and lets the log expire as theirs
// do.
func TestImportRetention(t *testing.T) {
	t.Parallel()
	p := newPlace(t, redistest.Start(t).URL(), "to")
	i := p.importer(ImportOptions{Retention: time.Hour})
	young := time.Now().Add(-time.Minute).UnixMicro()
	if err := i.Run(t.Context(), strings.NewReader(file(message("room", 7, "bob", "old", ""), message("room", young, "bob", "young", "")))); err != nil {
		t.Fatal(err)
	}
	left, err := p.redis.PTTL(t.Context(), p.keys.Log(chattest.ID(t, "room"))).Result()
	if log := p.log("room"); err != nil || len(log) != 1 || log[0].Text != "young" || i.Report().Expired != 1 || left <= 0 {
		t.Errorf("the log is %+v, expires in %v, %v; report %+v; want the young message for an hour", log, left, err, i.Report())
	}
}

// fill makes chats of several pages, and rooms.
func (p *place) fill() {
	for n := range 40 {
		p.send("alice:bob", chat.Message{Sender: "alice", Text: fmt.Sprint("text ", n), ID: fmt.Sprint(n)})
		p.send(fmt.Sprint("room", n%5), chat.Message{Sender: fmt.Sprint("user", n%3), Text: strings.Repeat("x", n+1)})
	}
}

var errKilled = errors.New("killed")

// killed reads so many bytes, and then fails.
type killed struct {
	io.Reader
	left int
}

func (k *killed) Read(b []byte) (int, error) {
	if k.left == 0 {
		return 0, errKilled
	}
	n, err := k.Reader.Read(b[:min(len(b), k.left)])
	k.left -= n
	return n, err
}

// TestImportGoesOn: an import that ends anywhere, with or without its state, is completed by the same import.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from := newPlace(t, url, "from")
	from.fill()
	exported := from.exports()
	for n, at := 0, 1; at < len(exported); n, at = n+1, at+len(exported)/23 {
		to := newPlace(t, url, fmt.Sprint("to", n))
		first := to.importer(ImportOptions{PageSize: 7})
		if err := first.Run(t.Context(), &killed{strings.NewReader(exported), at}); err == nil {
			t.Fatalf("import of %d bytes: no error", at)
		}
		second := to.importer(ImportOptions{PageSize: 7})
		if n%2 == 0 {
			state, err := first.State()
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Resume(state); err != nil {
				t.Fatal(err)
			}
		}
		if err := second.Run(t.Context(), strings.NewReader(exported)); err != nil {
			t.Fatalf("the import that goes on after %d bytes: %v", at, err)
		}
		to.sound()
		for _, name := range []string{"alice:bob", "room0", "room4"} {
			if got, want := to.log(name), from.log(name); !slices.EqualFunc(got, want, same) {
				t.Fatalf("after %d bytes %s is %+v, want %+v", at, name, got, want)
			}
		}
	}
}

// limited fails after so many bytes, as a full disk does.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, errKilled
	}
	return l.Buffer.Write(b)
}

// TestExportGoesOn: an export that ends anywhere goes on from its state. Its lines are those of an export without a break.
func TestExportGoesOn(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from := newPlace(t, url, "from")
	from.fill()
	whole := sortedLines(from.exports())
	for at := 1; at < 8000; at += 777 {
		out := &limited{left: at}
		first := from.exporter(out, ExportOptions{PageSize: 7, Secrets: true})
		if err := first.Run(t.Context()); !errors.Is(err, errKilled) {
			t.Fatalf("export of %d bytes: %v, want that it fails", at, err)
		}
		state, err := first.State(int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		second := from.exporter(&out.Buffer, ExportOptions{PageSize: 7, Secrets: true})
		if written, err := second.Resume(state); err != nil || written != int64(out.Len()) {
			t.Fatalf("resume = %d, %v", written, err)
		}
		if err := second.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := sortedLines(out.String()); !slices.Equal(got, whole) {
			t.Fatalf("after %d bytes the lines are\n%s\nwant\n%s", at, strings.Join(got, "\n"), strings.Join(whole, "\n"))
		}
	}
}

// sortedLines are the lines after the header, which has the time.
func sortedLines(exported string) []string {
	lines := strings.Split(strings.TrimSpace(exported), "\n")[1:]
	slices.Sort(lines)
	return lines
}

// TestExportIsOfOneMoment: messages that come while a chat is exported are not in it, and the file can be imported.
func TestExportIsOfOneMoment(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	from := newPlace(t, url, "from")
	from.fill()
	var out bytes.Buffer
	e := from.exporter(&out, ExportOptions{PageSize: 7})
	e.options.Progress = func(float64) {
		from.send("alice:bob", chat.Message{Sender: "bob", Text: "meanwhile"})
		from.send("room1", chat.Message{Sender: "bob", Text: "meanwhile"})
	}
	if err := e.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	to := newPlace(t, url, "to")
	if r := to.imports(out.String()); r.Refused != 0 {
		t.Errorf("import = %+v, want nothing refused", r)
	}
	to.sound()
	for _, name := range []string{"alice:bob", "room1"} {
		got, all := to.log(name), from.log(name)
		if len(got) < 8 || !slices.EqualFunc(got, all[:len(got)], same) {
			t.Errorf("%s has %d messages, want the first ones of %d", name, len(got), len(all))
		}
	}
}
