package storage

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

var (
	previewScript = script("entry", "preview")
	sendersScript = script("entry", "senders")
)

const (
	// previewsAtOnce is how many chats one call of preview.lua looks into: other calls wait for it.
	previewsAtOnce = 16
	// previewValues is how many values preview.lua returns for each chat.
	previewValues = 4
	// Where a hundred entries do not decide, more are looked at: three thousand of a chat, and a hundred more of so many
	// chats, or of one so often.
	previewRounds = 29
	previewMore   = 300
)

// anySender is the sender of which preview.lua lets its caller decide: in a room, where the user ignores others. The list of those
// who are is not sent to Redis: it may be longer than all that is read.
const anySender = "*"

// preview is one chat while it is looked into.
type preview struct {
	id        chat.ID
	hidden    string // as preview.lua has it
	from      string // where the count goes on; "" where it is known
	last      bool   // is still wanted
	below     string // where the search for the last message goes on; "" where it is known
	previewed *chat.PreviewResult
}

// Preview implements chat.InboxStore with preview.lua: one call for so many chats of a partition, in one pipeline. More calls
// follow for those chats where many entries in a row do not count.
func (s *Store) Preview(ctx context.Context, asked chat.Previews) ([]chat.PreviewResult, error) {
	previewed := make([]chat.PreviewResult, len(asked.Chats))
	open := make([]*preview, len(asked.Chats))
	for i, g := range asked.Chats {
		open[i] = &preview{
			id: g.Chat, hidden: hiddenIn(g.Chat, asked.Ignored), from: strconv.FormatInt(g.From, 10), last: g.Last, previewed: &previewed[i],
		}
	}
	if err := s.previewInto(ctx, asked, open); err != nil {
		return nil, err
	}
	more := previewMore
	for range previewRounds {
		var counts, lasts []*preview
		for _, g := range open {
			if g.from != "" && more > 0 {
				counts, more = append(counts, g), more-1
			}
			if g.below != "" && more > 0 {
				lasts, more = append(lasts, g), more-1
			}
		}
		if len(counts)+len(lasts) == 0 {
			break
		}
		if err := s.previewInto(ctx, asked, counts); err != nil {
			return nil, err
		}
		if err := s.lookBack(ctx, asked, lasts); err != nil {
			return nil, err
		}
	}
	return previewed, nil
}

// hiddenIn returns whose messages are left out of a chat, as preview.lua has it. A conversation has two users, and none
// ignores herself.
func hiddenIn(id chat.ID, ignored map[string]bool) string {
	if len(ignored) == 0 {
		return ""
	}
	first, second, pair := id.Users()
	switch {
	case !pair:
		return anySender
	case ignored[first]:
		return first
	case ignored[second]:
		return second
	}
	return ""
}

// previewInto looks into chats once, with a call for previewsAtOnce of them in each partition.
func (s *Store) previewInto(ctx context.Context, asked chat.Previews, open []*preview) error {
	if len(open) == 0 {
		return nil
	}
	var parts [][]*preview
	in := map[string]int{} // the part of each partition that has room
	for _, g := range open {
		tag := s.keys.Partition(g.id)
		if s.own.of(g.id) > 0 {
			tag += " " + g.id.String() // a call of its own, because its oldest is another one
		}
		at, known := in[tag]
		if !known || len(parts[at]) == previewsAtOnce {
			at = len(parts)
			parts, in[tag] = append(parts, nil), at
		}
		parts[at] = append(parts[at], g)
	}
	oldest := s.oldest()
	calls := make([]*redis.SliceCmd, len(parts))
	errs := s.nodes.Calls(ctx, len(parts), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			calls[i] = redis.NewSliceCmd(ctx, s.previewArgs(s.oldestIn(parts[i][0].id, oldest), asked.User, parts[i])...)
			_ = pipeline.Process(ctx, calls[i])
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Log(parts[i][0].id) },
	})
	for i, part := range parts {
		if errs[i] != nil {
			return callError("look into "+part[0].id.String(), errs[i])
		}
		for k, g := range part {
			if err := g.found(calls[i].Val()[previewValues*k:previewValues*(k+1)], asked.Ignored); err != nil {
				return fmt.Errorf("look into %s: %w", g.id, err)
			}
		}
	}
	return nil
}

func (s *Store) previewArgs(oldest int64, user string, part []*preview) []any {
	args := make([]any, 0, 6+6*len(part))
	args = append(args, "evalsha", previewScript.Hash(), 0)
	for _, g := range part {
		args = append(args, s.keys.Log(g.id))
		if g.id.IsRoom() {
			args = append(args, s.keys.Members(g.id))
		}
	}
	args[2] = len(args) - 3
	args = append(args, oldest, user, chat.ManyUnread)
	for _, g := range part {
		args = append(args, truth(g.id.IsRoom()), g.from, truth(g.last), g.hidden)
	}
	return args
}

// truth is a truth as scripts have it.
func truth(set bool) string {
	if set {
		return "1"
	}
	return ""
}

// found takes the result of preview.lua for a chat.
func (p *preview) found(values []any, ignored map[string]bool) error {
	last, _ := values[0].(string)
	mentions, _ := values[2].(int64)
	more, _ := values[3].(string)
	if count, whole := values[1].(int64); whole {
		p.previewed.Unread += int(count)
		p.previewed.Mentions += int(mentions)
	} else if tally, ok := values[1].([]any); ok {
		for i := 0; i+2 < len(tally); i += 3 {
			sender, _ := tally[i].(string)
			count, _ := tally[i+1].(int64)
			if !ignored[sender] {
				p.previewed.Unread += int(count)
				mentions, _ := tally[i+2].(int64)
				p.previewed.Mentions += int(mentions)
			}
		}
	}
	p.previewed.Unread = min(p.previewed.Unread, chat.ManyUnread)
	p.previewed.Mentions = min(p.previewed.Mentions, p.previewed.Unread)
	p.from = ""
	if at := layout.CursorOf(more); at > 0 && p.previewed.Unread < chat.ManyUnread {
		p.from = strconv.FormatInt(at+1, 10)
	}
	if !p.last || last == "" {
		return nil
	}
	message, err := layout.DecodeMember(last)
	if err != nil {
		return err
	}
	if p.last = false; p.hidden == anySender && message.Notice == nil && ignored[message.Sender] {
		p.below = last[:layout.PositionDigits]
		return nil
	}
	p.previewed.Last = &message
	return nil
}

// lookBack looks for the last message of rooms in which the newest ones are of those who are ignored.
func (s *Store) lookBack(ctx context.Context, asked chat.Previews, open []*preview) error {
	oldest := s.oldest()
	calls := make([]*redis.StringSliceCmd, len(open))
	errs := s.nodes.Calls(ctx, len(open), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			g := open[i]
			calls[i] = redis.NewStringSliceCmd(ctx, "evalsha", sendersScript.Hash(), 2, s.keys.Log(g.id), s.keys.Members(g.id),
				s.oldestIn(g.id, oldest), g.below, asked.User)
			_ = pipeline.Process(ctx, calls[i])
			return calls[i]
		},
		Key: func(i int) string { return s.keys.Log(open[i].id) },
	})
	var known []*preview
	for i, g := range open {
		if errs[i] != nil {
			return callError("look into "+g.id.String(), errs[i])
		}
		senders := calls[i].Val()
		g.below = senders[0]
		at := ""
		for k := 1; k+1 < len(senders); k += 2 {
			if position := senders[k+1]; !asked.Ignored[senders[k]] && position > at {
				at = position
			}
		}
		if at != "" {
			g.below = at
			known = append(known, g)
		}
	}
	return s.readLasts(ctx, asked.User, known)
}

// readLasts reads the last messages of rooms, of which the positions are known: they are below.
func (s *Store) readLasts(ctx context.Context, user string, known []*preview) error {
	ranges := make([]chat.Range, len(known))
	for i, g := range known {
		at, err := strconv.ParseInt(g.below, 10, 64)
		if err != nil {
			return fmt.Errorf("look into %s: %w", g.id, err)
		}
		ranges[i] = chat.Range{Chat: g.id, From: at, Limit: 1, Member: user}
	}
	for i, found := range s.Range(ctx, ranges) {
		g := known[i]
		g.below = ""
		switch {
		case chat.CodeOf(found.Err) == chat.PermissionDenied || chat.CodeOf(found.Err) == chat.NotFound:
		case found.Err != nil:
			return callError("look into "+g.id.String(), found.Err)
		case len(found.Messages) > 0 && found.Messages[0].SendTime == ranges[i].From:
			g.previewed.Last = &found.Messages[0]
		}
	}
	return nil
}
