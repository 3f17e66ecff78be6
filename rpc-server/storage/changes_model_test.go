package storage

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/redistest"
)

// view is a client's copy of a chat: each message by its position, as the entries so far left it.
type view struct {
	texts  map[int64]string
	cursor int64
}

// read reads one page and applies it, as docs/api.md says. It reports whether there is more.
func (v *view) read(t *testing.T, log chat.Service, limit int64) bool {
	page, err := log.Pull(context.Background(), chat.PullRequest{Chat: "club", Cursor: v.cursor, Limit: limit})
	if err != nil {
		t.Error(err)
		return false
	}
	for _, m := range page.Messages {
		switch {
		case m.Notice == nil:
			v.texts[m.SendTime] = m.Text
		case m.Notice.Event == chat.MessageEdited && !m.Erased:
			v.texts[m.Notice.Ref] = m.Text
		case m.Notice.Event == chat.MessageDeleted:
			v.texts[m.Notice.Ref] = ""
		}
	}
	v.cursor = page.NextCursor
	return page.HasMore
}

// TestClientsAgreeOnChanges: users send, edit, delete, answer and react at once. Clients that follow, that resume, and
// that read from zero end with the last state of each message, and each answer is counted.
func TestClientsAgreeOnChanges(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "redis://" + miniredis.RunT(t).Addr(), "redis": redistest.Start(t).URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			agreeOnChanges(t, url)
		})
	}
}

// checkReactions compares the reactions of all messages that are not deleted with the last actions of the users.
func checkReactions(t *testing.T, log chat.Service, texts map[int64]string, reacted map[int64]map[string]bool) {
	t.Helper()
	for ref, text := range texts {
		var want, got []string
		for reaction, there := range reacted[ref] {
			if there && text != "" {
				want = append(want, reaction)
			}
		}
		page, err := log.Pull(context.Background(), chat.PullRequest{Chat: "club", Cursor: ref, Limit: 1})
		if err != nil || len(page.Messages) != 1 || page.Messages[0].SendTime != ref {
			t.Errorf("the message at %d is %+v, %v", ref, page.Messages, err)
			continue
		}
		if state := page.Messages[0].State; state != nil {
			for _, r := range state.Reactions {
				if r.Count != len(r.Users) { // there are fewer users than a page names
					t.Errorf("the message at %d has %+v; want as many names as users", ref, r)
				}
				for _, user := range r.Users {
					got = append(got, r.Emoji+" "+user)
				}
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the reactions of the message at %d are %q, want %q", ref, got, want)
		}
	}
}

func agreeOnChanges(t *testing.T, url string) {
	store, err := Open(url, Options{IdempotencyWindow: time.Hour, Prefix: "test:" + t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	limits := chat.Limits{DefaultLimit: 10, MaxLimit: 100, MaxTextBytes: 100, EditWindow: time.Hour}
	log, changes := chattest.Messages(store, chat.Access{}, limits), chattest.Changes(store, chat.Access{}, limits)
	var mutex sync.Mutex
	want, answers := map[int64]string{}, map[int64]int{}
	reacted := map[int64]map[string]bool{} // "emoji user" of each message
	var sent []int64
	done := make(chan struct{})
	follower := view{texts: map[int64]string{}}
	var following, acting sync.WaitGroup
	following.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				follower.read(t, log, 3)
			}
		}
	})
	for user := range 4 {
		acting.Go(func() {
			random, sender := rand.New(rand.NewPCG(uint64(user), 7)), fmt.Sprint("user", user)
			var mine []int64
			for step := range 60 {
				text := fmt.Sprint(sender, " ", step)
				if len(mine) == 0 || random.IntN(3) == 0 {
					m := chat.Message{Chat: "club", Sender: sender, Text: text}
					if len(mine) > 0 && random.IntN(2) == 0 {
						m.Content = &chat.Content{ReplyTo: mine[0]}
					}
					receipt, err := log.Send(context.Background(), m)
					if err != nil {
						t.Error(err)
						return
					}
					mine = append(mine, receipt.SendTime)
					mutex.Lock()
					want[receipt.SendTime], sent = text, append(sent, receipt.SendTime)
					if m.Content != nil {
						answers[mine[0]]++
					}
					mutex.Unlock()
					continue
				}
				if random.IntN(3) == 0 {
					mutex.Lock()
					ref := sent[random.IntN(min(len(sent), 3))] // so few that each is reacted to and that taken back again
					mutex.Unlock()
					change := chat.Change{Chat: "club", Ref: ref, Kind: chat.MessageReacted, Sender: sender, Emoji: []string{"👍", "❤️"}[random.IntN(2)]}
					if random.IntN(3) == 0 {
						change.Kind = chat.MessageUnreacted
					}
					_, err := changes.Change(context.Background(), change)
					if chat.CodeOf(err) == chat.NotFound {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					mutex.Lock()
					if reacted[ref] == nil {
						reacted[ref] = map[string]bool{}
					}
					reacted[ref][change.Emoji+" "+sender] = change.Kind == chat.MessageReacted
					mutex.Unlock()
					continue
				}
				change := chat.Change{Chat: "club", Ref: mine[random.IntN(len(mine))], Kind: chat.MessageEdited, Sender: sender, Text: text}
				if change.Ref != mine[0] && random.IntN(5) == 0 {
					change.Kind, text = chat.MessageDeleted, ""
				}
				_, err := changes.Change(context.Background(), change)
				if chat.CodeOf(err) == chat.NotFound {
					continue // deleted before
				}
				if err != nil {
					t.Error(err)
					return
				}
				mutex.Lock()
				want[change.Ref] = text
				mutex.Unlock()
			}
		})
	}
	acting.Wait()
	close(done)
	following.Wait()
	fresh, resumed := view{texts: map[int64]string{}}, view{texts: maps.Clone(follower.texts), cursor: follower.cursor}
	for _, v := range []*view{&follower, &fresh, &resumed} {
		for v.read(t, log, 7) {
		}
		if !maps.Equal(v.texts, want) {
			t.Errorf("a client has %v, want %v", v.texts, want)
		}
	}
	checkReactions(t, log, want, reacted)
	ends := slices.Sorted(maps.Keys(answers))
	for _, ref := range ends {
		page, err := log.Pull(context.Background(), chat.PullRequest{Chat: "club", Cursor: ref, Limit: 1})
		if err != nil || len(page.Messages) == 0 || page.Messages[0].State == nil || page.Messages[0].State.Replies != answers[ref] {
			t.Errorf("the message at %d is %+v, %v; want %d answers", ref, page.Messages, err, answers[ref])
		}
	}
}
