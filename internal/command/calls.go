package command

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

func (c *Client) send(ctx context.Context, r Request) (Reply, error) {
	receipt, err := c.config.Messages.Send(ctx, chat.Message{
		Chat: r.Chat, Text: r.Text, Sender: r.Sender, ID: r.ID, Content: r.content(),
	})
	return Reply{Type: Sent, Receipt: receipt}, err
}

func (c *Client) pull(ctx context.Context, r Request) (Reply, error) {
	page, err := c.config.Messages.Pull(ctx, chat.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reverse: r.Reverse, Reader: r.Reader, Unread: r.Unread, Raw: true,
	})
	return Reply{Type: Page, Chat: r.Chat, Page: &page}, err
}

func (c *Client) read(ctx context.Context, r Request) (Reply, error) {
	cursor, err := c.config.Live.Read(ctx, chat.ReadRequest{
		Chat: r.Chat, Reading: chat.Reading{Reader: r.Reader, Cursor: r.Cursor}, End: r.FromEnd, Force: r.Force,
	})
	return Reply{Type: ReadUpTo, Chat: r.Chat, Reading: chat.Reading{Reader: r.Reader, Cursor: cursor}}, err
}

func (c *Client) delivered(ctx context.Context, r Request) (Reply, error) {
	if c.config.Deliveries == nil {
		return Reply{}, chat.Errorf(chat.NotFound, "this server keeps no receipts")
	}
	at, err := c.config.Deliveries.Deliver(ctx, chat.Delivery{Chat: r.Chat, Reader: r.Reader, Position: r.Cursor})
	if chat.CodeOf(err) == chat.InvalidArgument && (r.Cursor < 1 || r.Cursor > chat.MaxCursor) { // the domain calls it delivered
		err = chat.Errorf(chat.InvalidArgument, "cursor is %d; it must be between 1 and %d", r.Cursor, int64(chat.MaxCursor))
	}
	return Reply{Type: DeliveredUpTo, Chat: r.Chat, Reading: chat.Reading{Reader: r.Reader, Cursor: at.Position}}, err
}

func (c *Client) signal(ctx context.Context, r Request) (Reply, error) {
	err := c.config.Live.Signal(ctx, chat.Signal{Chat: r.Chat, Sender: r.Sender, Type: r.Signal, Data: r.Data})
	if chat.CodeOf(err) == chat.InvalidArgument {
		if wrong := chat.CheckSignalType("signal", r.Signal); wrong != nil { // the domain calls it the type, which is the command's here
			err = wrong
		}
	}
	return Reply{Type: Signalled}, err
}

func (c *Client) ping(context.Context, Request) (Reply, error) { return Reply{Type: Pong}, nil }

// auth continues the connection with a new token of the same caller. With AUTH off it ignores the token.
func (c *Client) auth(ctx context.Context, r Request) (Reply, error) {
	was, identified := chat.CallerOf(ctx)
	if c.config.Verify == nil || !identified {
		return Reply{Type: Authenticated}, nil
	}
	by, err := c.config.Verify(ctx, r.Token)
	if err != nil {
		return Reply{}, err
	}
	if by.User != was.User || by.Service != was.Service {
		return Reply{}, chat.Errorf(chat.PermissionDenied, "this token is of another user than the connection's; open another connection")
	}
	if err := c.session.Renew(ctx, by); err != nil {
		return Reply{}, err
	}
	c.renewed = &by
	return Reply{Type: Authenticated}, nil
}

// content returns the content of a send beside its text; nil for none.
func (r *Request) content() *chat.Content {
	if r.ReplyTo == 0 && len(r.Mentions) == 0 && r.ContentType == "" && r.Body == "" && r.Metadata == "" {
		return nil
	}
	return &chat.Content{ReplyTo: r.ReplyTo, Mentions: r.Mentions, Type: r.ContentType, Body: r.Body, Metadata: r.Metadata}
}
