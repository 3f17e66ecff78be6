package chattest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

// OverHTTP is a chat.Service on the other side of HTTP, with the other parts of the domain that client.Client has.
// Suites need not know of HTTP. Its errors are the server's chat.Errors, or the client's own if there was no answer.
type OverHTTP struct {
	Client *client.Client
	// As returns the Client with the token of a request's caller. nil: Client is everyone's.
	As func(chat.Caller) *client.Client
}

var (
	_ chat.Service    = OverHTTP{}
	_ chat.Accounts   = OverHTTP{}
	_ chat.Rooms      = OverHTTP{}
	_ chat.Readers    = OverHTTP{}
	_ chat.Changes    = OverHTTP{}
	_ chat.Deliveries = OverHTTP{}

	_ chat.Moderation  = OverHTTP{}
	_ chat.Attachments = OverHTTP{}
)

// as returns the client of the context's caller.
func (s OverHTTP) as(ctx context.Context) *client.Client {
	if by, known := chat.CallerOf(ctx); known && s.As != nil {
		return s.As(by)
	}
	return s.Client
}

// Send implements chat.Service.
func (s OverHTTP) Send(ctx context.Context, m chat.Message) (chat.Receipt, error) {
	receipt, err := s.as(ctx).Send(ctx, client.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, Content: contentTo(m.Content)})
	return chat.Receipt(receipt), answered(err)
}

// Pull implements chat.Service.
func (s OverHTTP) Pull(ctx context.Context, r chat.PullRequest) (chat.Page, error) {
	page, err := s.as(ctx).Pull(ctx, client.PullRequest{
		Chat: r.Chat, Cursor: r.Cursor, Limit: r.Limit, Reverse: r.Reverse, Reader: r.Reader, Unread: r.Unread,
	})
	domain := chat.Page{HasMore: page.HasMore, NextCursor: page.NextCursor}
	for _, m := range page.Messages {
		domain.Messages = append(domain.Messages, messageFrom(m))
	}
	return domain, answered(err)
}

// Ready implements chat.Service.
func (s OverHTTP) Ready(ctx context.Context) error { return answered(s.as(ctx).Ready(ctx)) }

// Register implements chat.Accounts.
func (s OverHTTP) Register(ctx context.Context, r chat.Registration) (chat.Account, error) {
	account, err := s.as(ctx).Register(ctx, client.Registration{User: r.User, Password: r.Password, Name: r.Name})
	return chat.Account(account), answered(err)
}

// Account implements chat.Accounts.
func (s OverHTTP) Account(ctx context.Context, user string) (chat.Account, error) {
	account, err := s.as(ctx).User(ctx, user)
	return chat.Account(account), answered(err)
}

// ChangeAccount implements chat.Accounts.
func (s OverHTTP) ChangeAccount(ctx context.Context, c chat.AccountChange) (chat.Account, error) {
	account, err := s.as(ctx).HideLastSeen(ctx, c.User, c.HideLastSeen != nil && *c.HideLastSeen)
	return chat.Account(account), answered(err)
}

// Accounts implements chat.Accounts.
func (s OverHTTP) Accounts(ctx context.Context, r chat.AccountsRequest) (chat.AccountPage, error) {
	page, err := s.as(ctx).Users(ctx, client.AccountsRequest(r))
	return chat.AccountPage{Accounts: accounts(page.Accounts), HasMore: page.HasMore, NextCursor: page.NextCursor}, answered(err)
}

// Known implements chat.Accounts.
func (s OverHTTP) Known(ctx context.Context, users []string) ([]chat.Account, error) {
	known, err := s.as(ctx).Known(ctx, users)
	return accounts(known), answered(err)
}

func accounts(read []client.Account) (list []chat.Account) {
	for _, a := range read {
		list = append(list, chat.Account(a))
	}
	return list
}

// Inbox answers as chat.Inboxes does. Names are always there.
func (s OverHTTP) Inbox(ctx context.Context, r chat.InboxRequest) (chat.Inbox, error) {
	read, err := s.as(ctx).Inbox(ctx, client.InboxRequest{Reader: r.Reader, Cursor: r.Cursor, Limit: r.Limit})
	inbox := chat.Inbox{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, e := range read.Chats {
		entry := chat.InboxEntry{Chat: e.Chat, Unread: e.Unread, Mentions: e.Mentions, Cursor: e.Cursor, Name: e.Name}
		if e.Last != nil {
			last := messageFrom(*e.Last)
			entry.Last = &last
		}
		for _, user := range e.Users {
			entry.Users = append(entry.Users, chat.UserName(user))
		}
		inbox.Entries = append(inbox.Entries, entry)
	}
	return inbox, answered(err)
}

// Unread returns all pages as one.
func (s OverHTTP) Unread(ctx context.Context, r chat.UnreadRequest) (chat.UnreadPage, error) {
	unread, err := s.as(ctx).UnreadCounts(ctx, r.Reader)
	var page chat.UnreadPage
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		page.Chats = append(page.Chats, chat.Unread{Chat: name, Count: unread[name].Unread, Mentions: unread[name].Mentions})
	}
	return page, answered(err)
}

// Ignored answers as chat.Inboxes does.
func (s OverHTTP) Ignored(ctx context.Context, user string) ([]string, error) {
	ignored, err := s.as(ctx).Ignored(ctx, user)
	return ignored, answered(err)
}

// Ignore answers as chat.Inboxes does.
func (s OverHTTP) Ignore(ctx context.Context, r chat.IgnoreRequest) error {
	if r.Ignore {
		return answered(s.as(ctx).Ignore(ctx, r.User, r.Other))
	}
	return answered(s.as(ctx).Unignore(ctx, r.User, r.Other))
}

// Readers implements chat.Readers.
func (s OverHTTP) Readers(ctx context.Context, name string) (chat.Receipts, error) {
	readings, count, err := s.as(ctx).Readers(ctx, name)
	receipts := chat.Receipts{Count: count}
	for _, r := range readings {
		receipts.Readings = append(receipts.Readings, chat.Reading{Reader: r.Reader, Cursor: r.Cursor})
	}
	return receipts, answered(err)
}

// Signal answers as chat.Live does.
func (s OverHTTP) Signal(ctx context.Context, signal chat.Signal) error {
	return answered(s.as(ctx).Signal(ctx, client.Signal(signal)))
}

// Read answers as chat.Live does.
func (s OverHTTP) Read(ctx context.Context, r chat.ReadRequest) (cursor int64, err error) {
	reading := client.Reading{Chat: r.Chat, Reader: r.Reading.Reader, Cursor: r.Reading.Cursor}
	switch {
	case r.End:
		cursor, err = s.as(ctx).ReadAll(ctx, r.Chat, r.Reading.Reader)
	case r.Force:
		cursor, err = s.as(ctx).ReadBack(ctx, reading)
	default:
		cursor, err = s.as(ctx).Read(ctx, reading)
	}
	return cursor, answered(err)
}

// Deliver implements chat.Deliveries.
func (s OverHTTP) Deliver(ctx context.Context, d chat.Delivery) (chat.Delivered, error) {
	position, cursor, err := s.as(ctx).Delivered(ctx, client.Reading{Chat: d.Chat, Reader: d.Reader, Cursor: d.Position})
	return chat.Delivered{Position: position, Cursor: cursor}, answered(err)
}

// Receipts implements chat.Deliveries.
func (s OverHTTP) Receipts(ctx context.Context, r chat.MessageReceiptsRequest) (chat.MessageReceipts, error) {
	read, err := s.as(ctx).Receipts(ctx, r.Chat, r.Ref)
	return chat.MessageReceipts{Recipients: read.Recipients, DeliveredTo: read.DeliveredTo, ReadBy: read.ReadBy}, answered(err)
}

// Present answers as chat.Live does.
func (s OverHTTP) Present(ctx context.Context, name string) ([]string, error) {
	present, err := s.as(ctx).Present(ctx, name)
	return present.Readers, answered(err)
}

func answered(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return chat.Errorf(chat.Code(e.Code), "%s", e.Message)
	}
	return err
}
