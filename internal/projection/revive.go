package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// reviveAll handles dead letters again, each by itself.
func (r *runner) reviveAll(ctx context.Context, p *partition, events []string) {
	for _, id := range events {
		err := r.revive(ctx, id)
		if ctx.Err() != nil {
			break
		}
		r.mutex.Lock()
		if err == nil || isRejected(err) || chat.CodeOf(err) == chat.NotFound {
			p.revived = append(p.revived, id)
		} else {
			r.stats.Failures++
		}
		if isRejected(err) {
			p.dead = append(p.dead, chat.DeadLetter{Event: id, Error: fmt.Sprintf("%.500s", err.Error()), At: time.Now().UnixMicro()})
		}
		r.mutex.Unlock()
	}
	r.mutex.Lock()
	r.running--
	p.running--
	r.mutex.Unlock()
	r.wakeUp()
}

// revive handles the event of a dead letter again, as far as the log still has its messages.
func (r *runner) revive(ctx context.Context, id string) error {
	name, position, ok := chat.ParseEventID(id)
	if !ok {
		return nil
	}
	r.mutex.Lock()
	handler, rule := r.projection.Handler, r.projection.Bursts
	r.mutex.Unlock()
	page, err := r.source.Pull(ctx, chat.PullRequest{Chat: name, Cursor: position, Limit: 1})
	if err != nil || len(page.Messages) == 0 || page.Messages[0].SendTime != position {
		return err
	}
	messages := page.Messages[:1]
	if rule != nil {
		if messages, err = r.burstOf(ctx, *rule, name, messages[0]); err != nil {
			return err
		}
	}
	ctx, end := r.worker.trace(ctx, r.name(), 1)
	err = handler.Handle(ctx, []Event{event(name, messages)})
	end(err)
	return err
}

// farthestBack is how far before its last message the beginning of a burst is looked for, in times of its greatest length.
const farthestBack = 128

// burstOf returns the burst that ends with a message. It gathers from a time on when the sender was quiet, since which messages are
// a burst depends on those before. Where there is none, or the rule was another one, the message stands alone.
func (r *runner) burstOf(ctx context.Context, rule Bursts, name string, end chat.Message) ([]chat.Message, error) {
	for back := int64(2); back <= farthestBack; back *= 4 {
		from := max(end.SendTime-back*rule.Longest.Microseconds(), 0)
		said, err := r.saidBy(ctx, name, end.Sender, from, end.SendTime)
		if err != nil {
			return nil, err
		}
		before := from
		for i, m := range said {
			if m.SendTime-before <= rule.Quiet.Microseconds() {
				before = m.SendTime
				continue
			}
			gatherer := newGatherer(rule, "")
			var closed [][]chat.Message
			for _, m := range said[i:] {
				closed = append(closed, gatherer.add(m)...)
			}
			for _, burst := range append(closed, gatherer.open[end.Sender]) {
				if len(burst) > 0 && last(burst) == end.SendTime {
					return burst, nil
				}
			}
			return []chat.Message{end}, nil
		}
	}
	return []chat.Message{end}, nil
}

// saidBy returns the messages of a sender in a chat between two positions.
func (r *runner) saidBy(ctx context.Context, name, sender string, from, to int64) (said []chat.Message, err error) {
	for from <= to {
		page, err := r.source.Pull(ctx, chat.PullRequest{Chat: name, Cursor: from, Limit: pullLimit})
		if err != nil {
			return nil, err
		}
		from = to + 1 // without messages there is no more
		for _, m := range page.Messages {
			if m.Sender == sender && m.SendTime <= to {
				said = append(said, m)
			}
			from = m.SendTime + 1
		}
	}
	return said, nil
}
