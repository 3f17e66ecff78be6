package chattest

import (
	"context"
	"errors"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

// OverHTTP is a chat.Service on the other side of HTTP, for suites that do not know what is between. Its errors are
// chat.Errors where the server answered one, and the client's own where it could not.
type OverHTTP struct{ Client *client.Client }

var _ chat.Service = OverHTTP{}

// Send implements chat.Service.
func (s OverHTTP) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	receipt, err := s.Client.Send(ctx, client.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID})
	return chat.Receipt(receipt), answered(err)
}

// Pull implements chat.Service.
func (s OverHTTP) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	page, err := s.Client.Pull(ctx, client.PullRequest{Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reverse: r.Reverse})
	domain := chat.Page{HasMore: page.HasMore, NextCursor: page.NextCursor}
	for _, m := range page.Messages {
		domain.Messages = append(domain.Messages, chat.Message{
			Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime,
		})
	}
	return domain, answered(err)
}

// Ready implements chat.Service.
func (s OverHTTP) Ready(ctx context.Context) error { return answered(s.Client.Ready(ctx)) }

func answered(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return chat.Errorf(chat.Code(e.Code), "%s", e.Message)
	}
	return err
}
