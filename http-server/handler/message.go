package handler

import (
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// noticeType is the type of a message about a change of its room, or of an earlier message.
var noticeType = "notice"

// answeredMessage converts a message for answers other than pages.
func answeredMessage(m *chat.Message) *api.Message {
	answered := &api.Message{Chat: m.Chat, Text: m.Text, Sender: m.Sender, SendTime: m.SendTime, Id: some(m.ID), Erased: some(m.Erased)}
	if n := m.Notice; n != nil {
		answered.Type, answered.Event, answered.Users, answered.Name = &noticeType, new(string(n.Event)), n.Users, some(n.Name)
		if n.Ref != 0 {
			answered.Kind, answered.Ref, answered.Emoji = answered.Event, &n.Ref, some(n.Emoji)
		}
	}
	if content := m.Content; content != nil {
		answered.ReplyTo, answered.Mentions, answered.ContentType = some(content.ReplyTo), content.Mentions, some(content.Type)
		answered.Body, answered.Metadata = []byte(content.Body), []byte(content.Metadata)
	}
	if s := m.State; s != nil {
		answered.Edited, answered.Deleted = some(s.Edited), some(s.Deleted)
		answered.Replies, answered.LastReply = some(int64(s.Replies)), some(s.LastReply)
		for _, r := range s.Reactions {
			answered.Reactions = append(answered.Reactions, &api.Reaction{Emoji: r.Emoji, Count: int64(r.Count), Users: r.Users, Own: some(r.Own)})
		}
	}
	return answered
}
