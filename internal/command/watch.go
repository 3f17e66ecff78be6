package command

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// MaxWatches bounds the chats that a connection watches.
const MaxWatches = 1000

func (c *Client) watch(ctx context.Context, r Request) (Reply, error) {
	batch, err := live.ParseDuration("batch", r.Batch)
	if err != nil {
		return Reply{}, err
	}
	if r.Inbox {
		err = c.watchInbox(ctx, r, batch)
	} else {
		err = c.watchChat(ctx, r, batch)
	}
	return Reply{Type: Watching, Chat: r.Chat, Inbox: r.Inbox}, err
}

func (c *Client) watchChat(ctx context.Context, r Request, batch time.Duration) error {
	if c.session.Follows() >= MaxWatches && !c.session.Has(r.Chat) {
		return chat.Errorf(chat.InvalidArgument, "%d chats are watched, which is the limit of a connection; unwatch one, or open another", MaxWatches)
	}
	wanted := live.Follow{Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reader: r.Reader, Presence: r.Reader != "", Batch: batch}
	if r.Presence != nil {
		wanted.Presence = *r.Presence
	}
	follows := []live.Follow{wanted}
	if err := c.config.Hub.Admit(ctx, follows); err != nil {
		return err
	}
	return c.session.Follow(follows[0])
}

func (c *Client) watchInbox(ctx context.Context, r Request, batch time.Duration) error {
	if r.Chat != "" {
		return chat.Errorf(chat.InvalidArgument, "a frame watches either a chat or the inbox; this frame names both")
	}
	reader, err := chat.ActingReader(ctx, r.Reader)
	if err != nil {
		return err
	}
	by, _ := chat.CallerOf(ctx)
	return c.session.FollowInbox(live.InboxFollow{
		Follow:     live.Follow{Cursor: r.Cursor, Limit: r.Limit, Reader: reader, By: by, Batch: batch},
		FromCursor: r.FromCursor,
	})
}

func (c *Client) unwatch(_ context.Context, r Request) (Reply, error) {
	if r.Inbox {
		return Reply{Type: Unwatched, Inbox: true}, c.session.UnfollowInbox()
	}
	return Reply{Type: Unwatched, Chat: r.Chat}, c.session.Unfollow(r.Chat)
}
