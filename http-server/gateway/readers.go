package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// noReaders are the Readers of a gateway that has none behind it.
type noReaders struct{}

func errNoReaders() error { return chat.Errorf(chat.NotFound, "this http-server has no inboxes") }

func (noReaders) Readers(context.Context, string) (chat.Receipts, error) {
	return chat.Receipts{}, errNoReaders()
}

func (noReaders) Inbox(context.Context, chat.InboxRequest) (chat.Inbox, error) {
	return chat.Inbox{}, errNoReaders()
}

func (noReaders) Unread(context.Context, chat.UnreadRequest) (chat.UnreadPage, error) {
	return chat.UnreadPage{}, errNoReaders()
}

func (noReaders) Chats(context.Context, chat.ChatsRequest) ([]chat.Standing, error) {
	return nil, errNoReaders()
}

// Ignored answers that nobody is: streams ask it for every reader.
func (noReaders) Ignored(context.Context, string) ([]string, error) { return nil, nil }

func (noReaders) Ignore(context.Context, chat.IgnoreRequest) error { return errNoReaders() }
