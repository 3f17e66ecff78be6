package storage

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/batch"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// Entries about changes of messages have no text in the log: an edit's text is only at the message. A page fills them in.

// target is a message that is looked up for the changes of a page.
type target struct {
	page    int // index of its range
	chat    chat.ID
	ref     int64
	oldest  int64
	found   *redis.StringSliceCmd
	message chat.Message // SendTime is 0 where it is gone
}

// resolveRanges fills the changes among the entries of ranges. It costs one command for each message that was changed and
// is not among the entries of its own page, all in one pipeline. A page without changes costs nothing.
func (s *Store) resolveRanges(ctx context.Context, n *redisnode.Node, calls []rangeCall, changed []int, out []batch.Result[chat.Ranged]) {
	oldest := s.oldest()
	var wanted []*target
	known := make([]map[int64]*target, len(out))
	for _, i := range changed {
		if err := changesOf(&out[i].Value); err != nil {
			out[i].Err = fmt.Errorf("read %s: %w", calls[i].asked.Chat, err)
			continue
		}
		known[i] = targetsIn(out[i].Value)
		for ref, t := range known[i] {
			if t == nil {
				t = &target{page: i, chat: calls[i].asked.Chat, ref: ref, oldest: s.oldestIn(calls[i].asked.Chat, oldest)}
				known[i][ref], wanted = t, append(wanted, t)
			}
		}
	}
	if len(wanted) > 0 {
		s.readTargets(ctx, n, wanted, out)
	}
	for _, i := range changed {
		if out[i].Err == nil {
			fillChanges(&out[i].Value, known[i], calls[i].asked.Raw)
		}
	}
}

// changesOf decodes entries in the stored form into Messages, beside which they stay.
func changesOf(read *chat.Ranged) (err error) {
	if read.Entries != nil {
		read.Messages, err = decodeMembers(read.Entries)
	}
	return err
}

// targetsIn returns the positions of the messages that changes of a page are about. Those in the page itself have a target.
func targetsIn(read chat.Ranged) map[int64]*target {
	known := map[int64]*target{}
	for i := range read.Messages {
		if m := &read.Messages[i]; m.NeedsTarget() {
			known[m.Notice.Ref] = nil
		}
	}
	for _, m := range read.Messages {
		if _, asked := known[m.SendTime]; asked {
			known[m.SendTime] = &target{message: m}
		}
	}
	return known
}

func (s *Store) readTargets(ctx context.Context, n *redisnode.Node, wanted []*target, out []batch.Result[chat.Ranged]) {
	errs := s.nodes.Exchange(ctx, n, len(wanted), redisnode.Exchange{
		Queue: func(ctx context.Context, pipeline redis.Pipeliner, i int) redis.Cmder {
			t := wanted[i]
			t.found = pipeline.ZRangeArgs(ctx, redis.ZRangeArgs{
				Key: s.keys.Log(t.chat), ByScore: true, Start: max(t.ref, t.oldest), Stop: t.ref, Count: 1,
			})
			return t.found
		},
		Key: func(i int) string { return s.keys.Log(wanted[i].chat) },
	})
	for i, t := range wanted {
		err := errs[i]
		if err != nil {
			err = readError("read "+t.chat.String(), err)
		} else if members := t.found.Val(); len(members) > 0 {
			t.message, err = layout.DecodeMember(members[0])
		}
		if err != nil && out[t.page].Err == nil {
			out[t.page].Err = err
		}
	}
}

// fillChanges fills the changes of a page. Of a page in the stored form only they are encoded again.
func fillChanges(read *chat.Ranged, known map[int64]*target, raw bool) {
	for i := range read.Messages {
		m := &read.Messages[i]
		if !m.NeedsTarget() {
			continue
		}
		of := known[m.Notice.Ref].message
		m.Resolve(of, of.SendTime > 0)
		if raw {
			read.Entries[i] = layout.EncodeMember(*m)
		}
	}
	if raw {
		read.Messages = nil
	}
}
