package chat_test

import (
	"context"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/names"
)

// reads is a store that counts reads of logs.
type reads struct {
	*chattest.Store
	asked int
}

// Range implements chat.Store.
func (r *reads) Range(ctx context.Context, ranges []chat.Range) []chat.Ranged {
	r.asked++
	return r.Store.Range(ctx, ranges)
}

// TestSendsUnderNewNames: a chat that was begun under a name of an earlier release goes on, and none is begun.
func TestSendsUnderNewNames(t *testing.T) {
	old, err := chat.ParseID("bob:\u212aim")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		chat, sender string
		by           chat.Caller
		want         chat.Code
	}{
		"ASCII":                      {chat: "alice:bob", sender: "bob"},
		"marks":                      {chat: "राम:กิตติ", sender: "राम"},
		"a room":                     {chat: "น้ำ", sender: "bob"},
		"an old chat":                {chat: "\u212aim:bob", sender: "\u212aim"},
		"a new one with an old user": {chat: "\u212aim:\u212aim", sender: "\u212aim", want: chat.InvalidArgument},
		"the old user herself":       {chat: "\u212aim:cid", by: chat.Caller{User: "\u212aim"}},
		"a service for that user":    {chat: "\u212aim:cid", sender: "cid", by: chat.Caller{User: "desk", Service: true}, want: chat.InvalidArgument},
		"a filler":                   {chat: "\u3164", sender: "bob", want: chat.InvalidArgument},
		"an unseen tail":             {chat: "alice\uffa0:bob", sender: "bob", want: chat.InvalidArgument},
		"a sender in a room":         {chat: "room", sender: "bob\uffa0", want: chat.InvalidArgument},
		"not NFC":                    {chat: "cafe\u0301", sender: "bob", want: chat.InvalidArgument},
	} {
		store := &reads{Store: chattest.NewStore(chattest.StoreOptions{})}
		store.Append(t.Context(), []chat.Append{{Chat: old, Message: chat.Message{Sender: "bob", Text: "hi"}}})
		core := chattest.Messages(store, chat.Access{Names: names.Rules{}}, chat.Limits{DefaultLimit: 1, MaxLimit: 1, MaxTextBytes: 10})
		ctx := t.Context()
		if c.by.User != "" {
			ctx = chat.WithCaller(ctx, c.by)
		}
		_, err := core.Send(ctx, chat.Message{Chat: c.chat, Sender: c.sender, Text: "hi"})
		if chat.CodeOf(err) != c.want {
			t.Errorf("%s: Send() = %v, want code %q", name, err, c.want)
		}
		if c.want == "" && name != "an old chat" && store.asked > 0 {
			t.Errorf("%s: Send() read the log", name)
		}
	}
}

// TestParsingNamesMakesNoGarbage: it is done for each message.
func TestParsingNamesMakesNoGarbage(t *testing.T) {
	for _, name := range []string{"alice:bob", "room", "王伟:राम"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = chat.ParseID(name) }); n > 1 || n > 0 && name != "王伟:राम" {
			t.Errorf("ParseID(%q) allocates %v times", name, n)
		}
	}
}

func TestReadersUnderNewNames(t *testing.T) {
	live := chattest.Live(nil, chat.Access{Names: names.Rules{}}) // its store is not reached
	for _, reader := range []string{"alice/\u212a", "alice/\u3164", "bob\uffa0", "\u115f/phone"} {
		_, err := live.Read(t.Context(), chat.ReadRequest{Chat: "room", Reading: chat.Reading{Reader: reader}})
		if chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("Read(%+q) = %v, want invalid_argument", reader, err)
		}
		err = live.Signal(t.Context(), chat.Signal{Chat: "room", Sender: "bob\uffa0", Type: "typing"})
		if chat.CodeOf(err) != chat.InvalidArgument {
			t.Errorf("Signal() = %v, want invalid_argument", err)
		}
	}
}
