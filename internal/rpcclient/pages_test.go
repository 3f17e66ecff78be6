package rpcclient

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// TestAPageOfEntriesIsReadOnce: a gateway's allocations for a page do not depend on its content: the response, its
// fields, the blob, and the list of entries in it.
func TestAPageOfEntriesIsReadOnce(t *testing.T) {
	cost := func(page chat.Page) float64 {
		answer := wire.PullResponse(page, nil)
		bytes := make([]byte, answer.BLength())
		answer.FastWrite(bytes)
		return testing.AllocsPerRun(100, func() {
			var read rpc.PullResponse
			if _, err := read.FastRead(bytes); err != nil {
				t.Fatal(err)
			}
			if got, err := wire.PageOf(&read); err != nil || got.Len() != page.Len() {
				t.Fatal(got, err)
			}
		})
	}
	entries := chat.Page{Entries: make([]string, 20)}
	messages := chat.Page{Messages: make([]chat.Message, 20)}
	for i := range 20 {
		entries.Entries[i] = strings.Repeat("x", 100)
		messages.Messages[i] = chat.Message{Chat: "alice:bob", Text: strings.Repeat("x", 40), Sender: "alice", SendTime: 7}
	}
	two, twenty, decoded := cost(chat.Page{Entries: entries.Entries[:2]}), cost(entries), cost(messages)
	t.Logf("allocations of a page: %v of 2 entries, %v of 20, %v of 20 messages", two, twenty, decoded)
	const budget = 7
	if twenty > budget || twenty != two {
		t.Errorf("a page of 20 entries costs %v allocations, of 2 %v; want %d at most and the same", twenty, two, budget)
	}
}
