package wire

import (
	"math"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
)

// addContent points into the content.
func addContent(m *rpc.Message, c *chat.Content) {
	if c == nil {
		return
	}
	m.ReplyTo, m.Mentions, m.ContentType = optional(c.ReplyTo), c.Mentions, optional(c.Type)
	m.Body, m.Metadata = optional(string(c.Body)), optional(string(c.Metadata))
}

func contentOf(m *rpc.Message) *chat.Content {
	if m.ReplyTo == nil && len(m.Mentions) == 0 && m.ContentType == nil && m.Body == nil && m.Metadata == nil {
		return nil
	}
	return &chat.Content{
		ReplyTo: m.GetReplyTo(), Mentions: m.Mentions, Type: m.GetContentType(),
		Body: chat.Object(m.GetBody()), Metadata: chat.Object(m.GetMetadata()),
	}
}

// addState points into the state.
func addState(m *rpc.Message, s *chat.State) {
	if s == nil {
		return
	}
	m.Edited, m.Deleted, m.LastReply = optional(s.Edited), optional(s.Deleted), optional(s.LastReply)
	m.Replies = optional(int32(min(s.Replies, math.MaxInt32)))
	for _, r := range s.Reactions {
		wired := &rpc.Reaction{Emoji: r.Emoji, Count: int32(min(r.Count, math.MaxInt32)), Users: r.Users}
		if r.Own {
			wired.Own = &r.Own
		}
		m.Reactions = append(m.Reactions, wired)
	}
}

func stateOf(m *rpc.Message) *chat.State {
	if m.Edited == nil && m.Deleted == nil && m.LastReply == nil && m.Replies == nil && len(m.Reactions) == 0 {
		return nil
	}
	s := &chat.State{Edited: m.GetEdited(), Deleted: m.GetDeleted(), Replies: int(m.GetReplies()), LastReply: m.GetLastReply()}
	for _, r := range m.Reactions {
		if r != nil {
			s.Reactions = append(s.Reactions, chat.Reaction{Emoji: r.Emoji, Count: int(r.Count), Users: r.Users, Own: r.GetOwn()})
		}
	}
	return s
}

func ChangeMessageRequest(c chat.Change, by chat.Caller, requestID string) *rpc.ChangeMessageRequest {
	return &rpc.ChangeMessageRequest{
		Chat: c.Chat, SendTime: c.Ref, Kind: string(c.Kind), Sender: optional(c.Sender), Text: optional(c.Text),
		Emoji: optional(c.Emoji), Id: optional(c.ID), Meta: meta(by, requestID),
	}
}

func ChangeOf(r *rpc.ChangeMessageRequest) chat.Change {
	return chat.Change{
		Chat: r.Chat, Ref: r.SendTime, Kind: chat.NoticeEvent(r.Kind), Sender: r.GetSender(), Text: r.GetText(),
		Emoji: r.GetEmoji(), ID: r.GetId(), RequestID: RequestIDOf(r),
	}
}

func ThreadRequest(r chat.ThreadRequest, by chat.Caller, requestID string) *rpc.ThreadRequest {
	return &rpc.ThreadRequest{
		Chat: r.Chat, SendTime: r.Ref, Cursor: optional(r.Cursor), Limit: optional(limit32(r.Limit)), Reader: optional(r.Reader), Meta: meta(by, requestID),
	}
}

func ThreadRequestOf(r *rpc.ThreadRequest) chat.ThreadRequest {
	return chat.ThreadRequest{Chat: r.Chat, Ref: r.SendTime, Cursor: r.GetCursor(), Limit: int64(r.GetLimit()), Reader: r.GetReader()}
}

func VersionsRequest(r chat.VersionsRequest, by chat.Caller, requestID string) *rpc.VersionsRequest {
	return &rpc.VersionsRequest{
		Chat: r.Chat, SendTime: r.Ref, Cursor: optional(r.Cursor), Limit: optional(limit32(r.Limit)), Meta: meta(by, requestID),
	}
}

func VersionsRequestOf(r *rpc.VersionsRequest) chat.VersionsRequest {
	return chat.VersionsRequest{Chat: r.Chat, Ref: r.SendTime, Cursor: r.GetCursor(), Limit: int64(r.GetLimit())}
}

func VersionsResponse(p chat.VersionPage, err error) *rpc.VersionsResponse {
	code, text := outcome(err)
	response := &rpc.VersionsResponse{Code: code, Msg: text}
	if err != nil {
		return response
	}
	for _, v := range p.Versions {
		response.Versions = append(response.Versions, &rpc.MessageVersion{SendTime: v.SendTime, Sender: v.Sender, Text: v.Text})
	}
	response.HasMore, response.NextCursor = &p.HasMore, &p.NextCursor
	return response
}

func VersionPageOf(r *rpc.VersionsResponse) (chat.VersionPage, error) {
	page := chat.VersionPage{HasMore: r.GetHasMore(), NextCursor: r.GetNextCursor()}
	for _, v := range r.Versions {
		if v != nil {
			page.Versions = append(page.Versions, chat.Version{SendTime: v.SendTime, Sender: v.Sender, Text: v.Text})
		}
	}
	return page, errorOf(r.Code, r.Msg)
}
