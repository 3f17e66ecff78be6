package chattest

import (
	"context"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/chat"
)

func messageFrom(m client.Message) chat.Message {
	read := chat.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, ID: m.ID, SendTime: m.SendTime, Erased: m.Erased}
	if n := m.Notice; n != nil {
		read.Notice = &chat.Notice{Event: chat.NoticeEvent(n.Event), Users: n.Users, Name: n.Name, Ref: n.Ref, Emoji: n.Emoji}
	}
	if c := m.Content; c != nil {
		read.Content = &chat.Content{
			ReplyTo: c.ReplyTo, Mentions: c.Mentions, Type: c.ContentType, Body: chat.Object(c.Body), Metadata: chat.Object(c.Metadata),
		}
	}
	if s := m.State; s != nil {
		read.State = &chat.State{Edited: s.Edited, Deleted: s.Deleted, Replies: s.Replies, LastReply: s.LastReply}
		for _, r := range s.Reactions {
			read.State.Reactions = append(read.State.Reactions, chat.Reaction(r))
		}
	}
	return read
}

func contentTo(c *chat.Content) *client.Content {
	if c == nil {
		return nil
	}
	return &client.Content{ReplyTo: c.ReplyTo, Mentions: c.Mentions, ContentType: c.Type, Body: []byte(c.Body), Metadata: []byte(c.Metadata)}
}

// Change implements chat.Changes.
func (s OverHTTP) Change(ctx context.Context, c chat.Change) (receipt chat.Receipt, err error) {
	change := client.Change{Chat: c.Chat, SendTime: c.Ref, Sender: c.Sender, ID: c.ID}
	var done client.Receipt
	switch c.Kind {
	case chat.MessageEdited:
		done, err = s.as(ctx).Edit(ctx, change, c.Text)
	case chat.MessageDeleted:
		done, err = s.as(ctx).Delete(ctx, change)
	case chat.MessageReacted:
		done, err = s.as(ctx).React(ctx, change, c.Emoji)
	case chat.MessageUnreacted:
		done, err = s.as(ctx).Unreact(ctx, change, c.Emoji)
	}
	return chat.Receipt(done), answered(err)
}

// Thread implements chat.Changes.
func (s OverHTTP) Thread(ctx context.Context, r chat.ThreadRequest) (chat.Page, error) {
	read, err := s.as(ctx).Thread(ctx, client.ThreadRequest{Chat: r.Chat, SendTime: r.Ref, Cursor: r.Cursor, Limit: r.Limit, Reader: r.Reader})
	page := chat.Page{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, m := range read.Messages {
		page.Messages = append(page.Messages, messageFrom(m))
	}
	return page, answered(err)
}

// Versions implements chat.Changes.
func (s OverHTTP) Versions(ctx context.Context, r chat.VersionsRequest) (chat.VersionPage, error) {
	read, err := s.as(ctx).Versions(ctx, client.VersionsRequest{Chat: r.Chat, SendTime: r.Ref, Cursor: r.Cursor, Limit: r.Limit})
	page := chat.VersionPage{HasMore: read.HasMore, NextCursor: read.NextCursor}
	for _, v := range read.Versions {
		page.Versions = append(page.Versions, chat.Version(v))
	}
	return page, answered(err)
}
