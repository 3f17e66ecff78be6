package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// A message names the first users of each of its reactions. Whether the reader of a page is one of the others, Redis is asked:
// with one command for each page that has such a message, all in one pipeline. Other pages cost nothing.

// reactedPage is a page with reactions, for one user.
type reactedPage struct {
	asked    chat.Range
	index    int
	messages []reactedMessage
	unknown  []chat.Reacting
	own      map[chat.Reacting]bool // of unknown
	scores   *redis.FloatSliceCmd
}

// reactedMessage is a message of the page that has reactions.
type reactedMessage struct {
	at      int // index in the page
	message *chat.Message
	marked  bool
}

// markOwn sets Own of the reactions in pages whose ranges have a User.
func (s *Store) markOwn(ctx context.Context, n *redisnode.Node, ranges []chat.Range, out []batch.Result[chat.Ranged]) {
	var pages, asking []*reactedPage
	for i := range ranges {
		if ranges[i].User == "" || out[i].Err != nil {
			continue
		}
		page, err := reactedIn(ranges[i], i, &out[i].Value)
		if err != nil {
			out[i].Err = fmt.Errorf("read %s: %w", ranges[i].Chat, err)
			continue
		}
		if page == nil {
			continue
		}
		if pages = append(pages, page); len(page.unknown) > 0 {
			asking = append(asking, page)
		}
	}
	if len(asking) > 0 {
		errs := s.nodes.Exchange(ctx, n, len(asking), redisnode.Exchange{
			Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
				asking[i].scores = pipeline.ZMScore(ctx, s.keys.Reactions(asking[i].asked.Chat), members(asking[i].unknown)...)
				return asking[i].scores
			},
			Key: func(i int) string { return s.keys.Reactions(asking[i].asked.Chat) },
		})
		for i, page := range asking {
			if errs[i] != nil {
				out[page.index].Err = readError("read "+page.asked.Chat.String(), errs[i])
				continue
			}
			page.take()
		}
	}
	for _, page := range pages {
		page.store(&out[page.index].Value)
	}
}

// reactedIn returns the reactions in a page, or nil.
func reactedIn(asked chat.Range, index int, read *chat.Ranged) (*reactedPage, error) {
	var page *reactedPage
	add := func(at int, m *chat.Message) {
		if page == nil {
			page = &reactedPage{asked: asked, index: index}
		}
		marked, unknown := m.MarkOwn(asked.User, nil)
		for _, r := range unknown {
			if page.own == nil {
				page.own = map[chat.Reacting]bool{}
			}
			if _, asks := page.own[r]; !asks { // entries about one message have the same reactions
				page.own[r], page.unknown = false, append(page.unknown, r)
			}
		}
		page.messages = append(page.messages, reactedMessage{at, m, marked})
	}
	for i := range read.Messages {
		if m := &read.Messages[i]; m.State != nil && len(m.State.Reactions) > 0 {
			add(i, m)
		}
	}
	for i, stored := range read.Entries {
		if !entry.HasReactions(stored) {
			continue
		}
		m, err := layout.DecodeMember(stored)
		if err != nil {
			return nil, err
		}
		add(i, &m)
	}
	return page, nil
}

// take marks the own reactions that Redis returned.
func (p *reactedPage) take() {
	for i, score := range p.scores.Val() {
		p.own[p.unknown[i]] = score > 0 // 0 stands for a member that is not there
	}
	for i := range p.messages {
		m := &p.messages[i]
		m.marked = m.message.MarkFound(p.own, p.asked.User) || m.marked
	}
}

// store puts marked messages into a page in the stored form. Those of other pages lie there.
func (p *reactedPage) store(read *chat.Ranged) {
	for _, m := range p.messages {
		if m.marked && read.Entries != nil {
			read.Entries[m.at] = layout.EncodeMember(*m.message)
		}
	}
}

// members are the members of the reactions' key.
func members(asked []chat.Reacting) []string {
	all := make([]string, len(asked))
	for i, r := range asked {
		all[i] = layout.ReactionEntry(r)
	}
	return all
}
