// Package backup writes Pullchat's data in a Redis to JSON lines, and reads it back into another Redis. docs/backup.md has
// the format.
//
// It works on Redis itself, as package check does. No RPC stores a message at a given position, and none carries the hash
// of a password; and a restore must work before any server runs.
package backup

import (
	"bytes"
	"encoding/json"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// Version is the version of the format. An Importer reads this one only.
const Version = 1

// Kinds of lines. The first line is the header, the last one is the end.
const (
	kindHeader     = "pullchat-export"
	kindChat       = "chat"
	kindMessage    = "message"
	kindAccount    = "account"
	kindIgnored    = "ignored"
	kindPush       = "push"
	kindMuted      = "muted"
	kindList       = "list"
	kindLook       = "look"
	kindDeletion   = "deletion"
	kindRevoked    = "revoked"
	kindDropped    = "dropped"
	kindSuspended  = "suspended"
	kindAudit      = "audit"
	kindAttachment = "attachment"
	kindReport     = "report"
	kindWord       = "word"
	kindWebhook    = "webhook"
	kindEnd        = "end"
)

// line is any line of an export. The kind says which fields it has.
type line struct {
	Kind string `json:"kind"`

	// Of the header.
	Version int   `json:"version,omitempty"`
	Created int64 `json:"created,omitempty"` // when the export began, in microseconds since 1970
	Secrets bool  `json:"secrets,omitempty"` // accounts have their password hashes

	Chat string `json:"chat,omitempty"`

	// Of a chat. Its messages follow.
	Position int64             `json:"position,omitempty"` // of its newest message; also of dropped
	Readers  map[string]int64  `json:"readers,omitempty"`  // reader → cursor
	Room     map[string]string `json:"room,omitempty"`     // fields of the room, as Redis has them
	Members  map[string]string `json:"members,omitempty"`  // user → "role since"
	Barred   map[string]string `json:"barred,omitempty"`   // bans and mutes of the room, as Redis has them
	Expires  int64             `json:"expires,omitempty"`  // of the remains of a deleted room, in milliseconds since 1970

	// Of a message.
	SendTime int64            `json:"send_time,omitempty"`
	Sender   string           `json:"sender,omitempty"`
	Text     string           `json:"text,omitempty"`
	ID       string           `json:"id,omitempty"`
	Erased   bool             `json:"erased,omitempty"`
	Event    chat.NoticeEvent `json:"event,omitempty"` // of a notice
	Name     string           `json:"name,omitempty"`  // of a notice

	Users []string `json:"users,omitempty"` // of a notice, and of ignored
	Ref   int64    `json:"ref,omitempty"`   // of a change of a message
	Emoji string   `json:"emoji,omitempty"` // of a reaction

	Content *chat.Content `json:"content,omitempty"` // of a message
	State   *chat.State   `json:"state,omitempty"`   // of a message
	Earlier []earlierText `json:"earlier,omitempty"` // of a message that was edited, oldest first

	User    string             `json:"user,omitempty"`
	Account map[string]string  `json:"account,omitempty"` // fields of the account, as Redis has them
	Chats   map[string]float64 `json:"chats,omitempty"`   // of a list: chat → score
	Push    map[string]string  `json:"push,omitempty"`    // device → subscription, as Redis has it
	Muted   map[string]int64   `json:"muted,omitempty"`   // chat → until when, in microseconds; 0 is for ever
	Look    string             `json:"look,omitempty"`
	Job     string             `json:"job,omitempty"` // of a deletion
	At      int64              `json:"at,omitempty"`  // of a deletion and of revoked, and when a word was registered, in microseconds

	Word      string          `json:"word,omitempty"`
	Substring bool            `json:"substring,omitempty"` // of a word
	Webhook   string          `json:"webhook,omitempty"`   // its id
	Hook      json.RawMessage `json:"hook,omitempty"`      // the webhook, as Redis has it

	Attachment string `json:"attachment,omitempty"` // its id

	Stored string `json:"stored,omitempty"` // a suspension, an entry of the audit log, a report and an attachment, as Redis has them

	Total int64 `json:"total,omitempty"` // of the end: how many messages there are
}

// earlierText is a text that an edit replaced.
type earlierText struct {
	SendTime int64  `json:"send_time"` // of the message, or of the edit's entry that brought it
	Text     string `json:"text"`
}

// encode returns a line with its end.
func (l *line) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(l)
	return b.Bytes(), err
}

func messageLine(id chat.ID, m chat.Message) line {
	l := line{
		Kind: kindMessage, Chat: id.String(), SendTime: m.SendTime, Sender: m.Sender, Text: m.Text, ID: m.ID, Erased: m.Erased,
		Content: m.Content, State: m.State,
	}
	if m.Notice != nil {
		l.Event, l.Users, l.Name, l.Ref, l.Emoji = m.Notice.Event, m.Notice.Users, m.Notice.Name, m.Notice.Ref, m.Notice.Emoji
	}
	return l
}

func (l *line) message() chat.Message {
	m := chat.Message{SendTime: l.SendTime, Sender: l.Sender, Text: l.Text, ID: l.ID, Erased: l.Erased, Content: l.Content, State: l.State}
	if l.Event != "" {
		m.Notice = &chat.Notice{Event: l.Event, Users: l.Users, Name: l.Name, Ref: l.Ref, Emoji: l.Emoji}
	}
	return m
}

// same reports whether two messages are one. Their stored forms may differ: an earlier release wrote another order.
func same(a, b chat.Message) bool {
	return a.SendTime == b.SendTime && bytes.Equal(layout.Encode(a), layout.Encode(b))
}
