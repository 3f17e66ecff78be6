package handler

import (
	"strings"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"
	"pgregory.net/rapid"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/frame"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
)

// generated is a page as encoders make it of the generated types.
func generated(page chat.Page) *api.PullResponse {
	response := &api.PullResponse{Messages: []*api.Message{}, HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i := range page.Messages {
		response.Messages = append(response.Messages, answeredMessage(&page.Messages[i]))
	}
	return response
}

// stored is the page with entries instead of messages.
func stored(page chat.Page) chat.Page {
	for _, m := range page.Messages {
		page.Entries = append(page.Entries, string(entry.AppendMember(nil, m)))
	}
	page.Messages = nil
	return page
}

func encodesAsBefore(t rapid.TB, page chat.Page, name string) {
	t.Helper()
	for i := range page.Messages {
		page.Messages[i].Chat = name
	}
	want := string(jsonobject.Encode(generated(page)))
	for _, p := range []chat.Page{page, stored(page)} {
		got, err := entry.AppendPage([]byte("{"), name, &p)
		if err != nil || string(got) != want {
			t.Fatalf("entry.AppendPage(%+v) = %s, %v; want %s", p, got, err, want)
		}
	}
	followed := string(jsonobject.Encode(&api.ChatPage{Chat: name, Messages: generated(page).Messages, HasMore: page.HasMore, NextCursor: page.NextCursor}))
	if got := string(frame.EncodePage(&live.Page{Page: page, Chat: name})); got != followed {
		t.Fatalf("frame.EncodePage(%+v) = %s, want %s", page, got, followed)
	}
}

// TestPagesAreEncodedAsBefore: the encoder by hand gives the same bytes as the encoder of the generated types.
func TestPagesAreEncodedAsBefore(t *testing.T) {
	for i := range 256 { // each byte at each place of a word, alone and among others
		for at := range 17 {
			text := strings.Repeat("a", at) + string([]byte{byte(i)}) + strings.Repeat("b", 16-at)
			encodesAsBefore(t, chat.Page{Messages: []chat.Message{{Text: text, Sender: "alice"}}}, "a")
		}
	}
	for _, text := range []string{
		"", "\u2028<>&\u2029", "\ufffd", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80x", "\xf0\x9f\x98", "\xc0\x80", "é", "1234567é9", "😀😀\"", "\x7f",
	} {
		encodesAsBefore(t, chat.Page{Messages: []chat.Message{{Text: text, Sender: text, ID: text}}}, text)
	}
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }))
	message := rapid.Custom(func(t *rapid.T) chat.Message {
		m := chat.Message{
			Text: text.Draw(t, "text"), Sender: text.Draw(t, "sender"), ID: text.Draw(t, "id"),
			SendTime: rapid.Int64Range(0, chat.MaxCursor).Draw(t, "at"), Erased: rapid.Bool().Draw(t, "erased"),
		}
		if rapid.Bool().Draw(t, "notice") {
			m.Notice = &chat.Notice{
				Event: chat.NoticeEvent(text.Draw(t, "event")), Name: text.Draw(t, "name"), Users: rapid.SliceOfN(text, 0, 3).Draw(t, "users"),
			}
		}
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		encodesAsBefore(t, chat.Page{
			Messages: rapid.SliceOfN(message, 0, 4).Draw(t, "messages"), HasMore: rapid.Bool().Draw(t, "more"), NextCursor: rapid.Int64Range(0, chat.MaxCursor).Draw(t, "next"),
		}, text.Draw(t, "chat"))
	})
}

// TestADamagedEntry is an internal error, with nothing of the page before it.
func TestADamagedEntry(t *testing.T) {
	c := app.NewContext(0)
	good := string(entry.AppendMember(nil, chat.Message{Text: "hi", Sender: "bob"}))
	replyPage(c, "a", &chat.Page{Entries: []string{good, good[:len(good)-2]}})
	if got := string(c.Response.Body()); c.Response.StatusCode() != 500 || !strings.HasPrefix(got, `{"code":"internal"`) {
		t.Errorf("a page with a damaged entry is answered with %d %s, want 500", c.Response.StatusCode(), got)
	}
}

// aPage is a page of messages of ordinary length.
func aPage(n int) chat.Page {
	page := chat.Page{Messages: make([]chat.Message, n), HasMore: true, NextCursor: 1_780_000_000_000_100}
	for i := range page.Messages {
		page.Messages[i] = chat.Message{
			Chat: "alice:bob", Text: strings.Repeat("hello you ", 4), Sender: "alice", SendTime: 1_780_000_000_000_000 + int64(i),
		}
	}
	return page
}

// TestAPageCostsNoAllocations: the cost of a page of 20 does not depend on the number of messages in it.
func TestAPageCostsNoAllocations(t *testing.T) {
	page := stored(aPage(20))
	c := app.NewContext(0)
	replyPage(c, "alice:bob", &page) // the response keeps its buffer
	if got := testing.AllocsPerRun(100, func() { replyPage(c, "alice:bob", &page) }); got > 0 {
		t.Errorf("a page of 20 costs %v allocations, want 0", got)
	}
}

func BenchmarkPage(b *testing.B) {
	messages := aPage(20)
	entries := stored(messages)
	c := app.NewContext(0)
	b.Run("generated", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Response.ResetBody()
			reply.JSON(c, 200, generated(messages))
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			replyPage(c, "alice:bob", &messages)
		}
	})
	b.Run("entries", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			replyPage(c, "alice:bob", &entries)
		}
	})
}
