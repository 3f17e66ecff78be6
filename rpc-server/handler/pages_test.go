package handler

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// shelf is a Store that has read already, as Redis's client has when the storage goes on.
type shelf struct{ entries []string }

func (shelf) Append(context.Context, []chat.Append) []chat.Appended { return nil }

func (s shelf) Range(_ context.Context, ranges []chat.Range) []chat.Ranged {
	ranged := make([]chat.Ranged, len(ranges))
	for i, r := range ranges {
		if r.Raw {
			ranged[i] = chat.Ranged{Entries: s.entries[:r.Limit], Head: headOf}
			continue
		}
		ranged[i].Messages = make([]chat.Message, r.Limit)
		for j := range ranged[i].Messages {
			ranged[i].Messages[j], _ = entry.Decode(s.entries[j])
		}
	}
	return ranged
}

func headOf(stored string) chat.Head {
	head, _ := entry.ReadHead(stored)
	return head
}

func (shelf) Ready(context.Context) error { return nil }

func filled() shelf {
	var s shelf
	for i := range int64(101) {
		m := chat.Message{Text: strings.Repeat("x", 40), Sender: "alice", SendTime: 1_780_000_000_000_000 + i}
		s.entries = append(s.entries, string(entry.AppendMember(nil, m)))
	}
	return s
}

// TestAPageCostsTheSameWhateverIsInIt: a page that passes through costs no allocation for a message. The 100 requests
// of a batch share its cost.
func TestAPageCostsTheSameWhateverIsInIt(t *testing.T) {
	core := chat.NewMessageService(filled(), chat.Access{}, chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096})
	handler := New(Services{Messages: core, Live: chattest.Silent{}}, slog.New(slog.DiscardHandler))
	cost := func(limit int32, entries bool) float64 {
		batch := &rpc.PullBatchRequest{}
		for range 100 {
			batch.Requests = append(batch.Requests, &rpc.PullRequest{Chat: "alice:bob", Limit: limit, Entries: &entries})
		}
		answer := make([]byte, 1<<20)
		return testing.AllocsPerRun(20, func() {
			response, err := handler.PullBatch(context.Background(), batch)
			if err != nil || response.Responses[99].Code != 0 {
				t.Fatal(response, err)
			}
			if size := response.BLength(); size > len(answer) {
				t.Fatalf("the answer has %d bytes", size)
			}
			response.FastWrite(answer)
		}) / 100
	}
	two, twenty, decoded := cost(2, true), cost(20, true), cost(20, false)
	t.Logf("allocations of a pull: %v of 2 entries, %v of 20, %v of 20 messages", two, twenty, decoded)
	if budget := 4.0; twenty > budget || twenty > two {
		t.Errorf("a pull of 20 entries costs %v allocations, of 2 %v; want %v at most and the same", twenty, two, budget)
	}
}
