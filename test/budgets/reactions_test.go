package budgets

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

// reactionPage is the number of messages in each page of TestReactions.
const reactionPage = 20

// TestReactions counts the commands of a page with reactions. One that names all users of its reactions costs the same
// as a page without reactions. One more command asks for the reader's reactions among those of more users, whatever
// their number. As for every change, each message of which only a change is in the page costs a command.
func TestReactions(t *testing.T) {
	redis := redistest.Start(t, "--appendonly", "no")
	store, err := storage.Open(redis.URL(), storage.Options{IdempotencyWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 4096}
	log, changes := chattest.Messages(store, chat.Access{}, limits), chattest.Changes(store, chat.Access{}, limits)
	rooms := chat.NewRoomService(store, chat.Access{Required: true, Rooms: store}, chat.RoomOptions{DefaultLimit: 10, MaxLimit: 100, MaxMembers: 100})
	as := func(user string) context.Context {
		return chat.WithCaller(context.Background(), chat.Caller{User: user})
	}
	const admitted = 2 // commands that look up the room and the reader
	for _, c := range []struct {
		name            string
		users           int
		entries         bool // the page is of the reactions, and not of the messages
		anonymous, want float64
	}{
		{name: "no reactions", want: 1, anonymous: 1},
		{name: "reactions whose users are all named", users: chat.ReactionUsers, want: 1, anonymous: 1},
		{name: "reactions of more users", users: chat.ReactionUsers + 2, want: 2, anonymous: 1},
		{name: "entries of reactions of more users", users: chat.ReactionUsers + 2, entries: true, want: 2 + reactionPage, anonymous: 1 + reactionPage},
	} {
		name, user := fmt.Sprintf("hall%d%v", c.users, c.entries), fmt.Sprint("u", c.users-1)
		if _, err := rooms.CreateRoom(as("alice"), chat.NewRoom{ID: name, Visibility: chat.Public}); err != nil {
			t.Fatal(err)
		}
		first, last := reactTo(t, log, changes, name, c.users)
		asked := chat.PullRequest{Chat: name, Limit: reactionPage, Raw: true, Cursor: first}
		if c.entries {
			asked.Cursor = last
		}
		read := func(user string) float64 {
			before := readCounts(t, redis)
			page, err := log.Pull(as(user), asked)
			if err != nil || page.Len() != reactionPage {
				t.Fatalf("%s: Pull() = %d entries, %v", c.name, page.Len(), err)
			}
			return commandsSince(t, redis, before)
		}
		if got := read(""); got != c.anonymous {
			t.Errorf("a page with %s, without a reader: %.0f commands, want %.0f", c.name, got, c.anonymous)
		}
		if got := read(user) - admitted; got != c.want {
			t.Errorf("a page with %s: %.0f commands, want %.0f", c.name, got, c.want)
		}
	}
	few, many := reactionCost(t, redis, log, changes, 2), reactionCost(t, redis, log, changes, 40)
	t.Logf("a reaction costs %.0f commands", many)
	if few != many {
		t.Errorf("a reaction costs %.0f commands beside those of 2 users, and %.0f beside those of 40; want the same", few, many)
	}
	const budget = 23 // two script calls and their commands
	if many > budget {
		t.Errorf("budget exceeded: a reaction costs %.0f commands, the budget is %d", many, budget)
	}
}

// reactTo sends messages to which users react, one after the other. It returns the positions of the first message, and of the
// first reaction of the last user.
func reactTo(t *testing.T, log chat.Service, changes chat.Changes, name string, users int) (first, last int64) {
	t.Helper()
	var sent []int64
	for range reactionPage {
		receipt, err := log.Send(context.Background(), chat.Message{Chat: name, Sender: "alice", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, receipt.SendTime)
	}
	for user := range users {
		for i, ref := range sent {
			if position := react(t, changes, name, ref, fmt.Sprint("u", user)); i == 0 {
				last = position
			}
		}
	}
	return sent[0], last
}

func react(t *testing.T, changes chat.Changes, name string, ref int64, user string) int64 {
	t.Helper()
	receipt, err := changes.Change(context.Background(), chat.Change{Chat: name, Ref: ref, Kind: chat.MessageReacted, Sender: user, Emoji: "👍"})
	if err != nil || receipt.Duplicate {
		t.Fatalf("a reaction of %s = %+v, %v", user, receipt, err)
	}
	return receipt.SendTime
}

// reactionCost counts the commands of a reaction to a message with those of some users.
func reactionCost(t *testing.T, redis *redistest.Server, log chat.Service, changes chat.Changes, users int) float64 {
	t.Helper()
	name := fmt.Sprint("one", users)
	receipt, err := log.Send(context.Background(), chat.Message{Chat: name, Sender: "alice", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	for user := range users {
		react(t, changes, name, receipt.SendTime, fmt.Sprint("u", user))
	}
	before := readCounts(t, redis)
	react(t, changes, name, receipt.SendTime, "zed")
	return commandsSince(t, redis, before)
}

// commandsSince counts the commands since a reading, but those that read.
func commandsSince(t *testing.T, redis *redistest.Server, before counted) (made float64) {
	t.Helper()
	for name, calls := range readCounts(t, redis).calls {
		if name != "info" {
			made += calls - before.calls[name]
		}
	}
	return made
}
