package command

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

func (c *Client) send(ctx context.Context, r Request) (Reply, error) {
	receipt, err := c.config.Messages.Send(ctx, chat.Message{Chat: r.Chat, Text: r.Text, Sender: r.Sender, ID: r.ID})
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
		return Reply{}, chat.Errorf(chat.PermissionDenied, "this is not a token of the one who has opened the connection; open another")
	}
	if err := c.session.Renew(ctx, by); err != nil {
		return Reply{}, err
	}
	c.renewed = &by
	return Reply{Type: Authenticated}, nil
}
