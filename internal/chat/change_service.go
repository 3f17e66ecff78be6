package chat

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"
)

// ChangeService implements Changes. It applies every rule before it calls the store.
type ChangeService struct {
	store  ChangeStore
	limits Limits
	Access Access // the access rules. Access.Rooms is not used: the store checks members
	// Readers enables threads of readers, which are refused without it.
	Readers ReaderStore
	// Emoji reports whether a text is one emoji. Reactions are refused without it.
	Emoji func(string) bool
	// Auditor keeps the deletions of others' messages; nil keeps none.
	Auditor Auditor
	turns   turnstile
}

var _ Changes = (*ChangeService)(nil)

// NewChangeService returns the ChangeService over a store.
func NewChangeService(store ChangeStore, access Access, limits Limits) *ChangeService {
	return &ChangeService{store: store, limits: limits, Access: access, turns: newTurnstile()}
}

// maxAmends bounds how often a change is tried. Changes through one server wait for each other, so only those of other
// servers come between.
const maxAmends = 50

// Change implements Changes.
func (s *ChangeService) Change(ctx context.Context, c Change) (Receipt, error) {
	by := callerOf(ctx)
	query, err := s.check(&c, by)
	if err != nil {
		return Receipt{}, err
	}
	leave, err := s.turns.enter(ctx, query.Chat, c.Ref)
	if err != nil {
		return Receipt{}, err
	}
	defer leave()
	recorded := false
	for range maxAmends {
		target, err := s.store.ReadTarget(ctx, query)
		if err != nil {
			return Receipt{}, AsError(err)
		}
		if target.Duplicate > 0 {
			return Receipt{SendTime: target.Duplicate, Duplicate: true}, nil
		}
		if err := c.may(target, by, s.limits.EditWindow); err != nil {
			return Receipt{}, err
		}
		amendment, done := c.amend(query, target, s.limits.EditHistory)
		if done != nil {
			return *done, nil
		}
		if c.Kind == MessageDeleted && target.Message.Sender != c.Sender {
			amendment.Role = target.Role
			if !recorded {
				if err := s.audit(ctx, by, query, target); err != nil {
					return Receipt{}, err
				}
				recorded = true
			}
		}
		appended, err := s.store.Amend(ctx, amendment)
		switch {
		case errors.Is(err, ErrAmended):
			continue
		case err != nil:
			return Receipt{}, AsError(err)
		}
		return Receipt{SendTime: appended.SendTime, Duplicate: appended.Duplicate}, nil
	}
	return Receipt{}, Errorf(Unavailable, "too many requests change this message at once; nothing was changed, try again")
}

// audit keeps the entry of the deletion of another user's message before it is made. Anonymous callers have none.
func (s *ChangeService) audit(ctx context.Context, by Caller, query TargetQuery, target Target) error {
	if s.Auditor == nil || by.User == "" && !by.Service {
		return nil
	}
	entry := AuditEntry{
		Action: AuditDeleteMessage, User: target.Message.Sender, Chat: query.Chat.String(), Ref: query.Ref, RequestID: query.RequestID,
	}
	entry.By, entry.ByUser = auditor(by)
	return orNil(s.Auditor.Record(ctx, entry))
}

// check validates a change, sets its Sender, and returns the query for the data that the change depends on.
func (s *ChangeService) check(c *Change, by Caller) (TargetQuery, error) {
	id, err := ParseID(c.Chat)
	if err != nil {
		return TargetQuery{}, err
	}
	if c.Kind == MessageDeleted && by.Service && c.Sender == "" {
		c.Sender = serviceName(by.User)
	} else if c.Sender, err = s.Access.actor(id, c.Chat, c.Sender, by); err != nil {
		return TargetQuery{}, err
	}
	member, err := s.Access.member(id, c.Chat, by)
	if err != nil {
		return TargetQuery{}, err
	}
	switch {
	case c.Ref < 1 || c.Ref > MaxSendTime:
		return TargetQuery{}, Errorf(InvalidArgument, "send_time is %d; give that of the message to change", c.Ref)
	case len(c.ID) > MaxIDBytes:
		return TargetQuery{}, Errorf(InvalidArgument, "id is %d bytes; the limit is %d", len(c.ID), MaxIDBytes)
	case !utf8.ValidString(c.ID):
		return TargetQuery{}, Errorf(InvalidArgument, "id is not valid UTF-8")
	}
	if err := s.checkKind(c); err != nil {
		return TargetQuery{}, err
	}
	return TargetQuery{
		Chat: id, Ref: c.Ref, Sender: c.Sender, ID: c.ID, Digest: c.digest(), Emoji: c.Emoji,
		Member: member, Exists: s.Access.mustExist(id, by), Speaks: c.Kind != MessageDeleted,
		RequestID: cutTo(c.RequestID, MaxServiceBytes),
	}, nil
}

// checkKind validates the fields that only some kinds have, and clears them for the others.
func (s *ChangeService) checkKind(c *Change) error {
	switch c.Kind {
	case MessageEdited:
		c.Emoji = ""
		return s.limits.checkText(c.Text)
	case MessageDeleted:
		c.Text, c.Emoji = "", ""
		return nil
	case MessageReacted, MessageUnreacted:
		c.Text = ""
		return s.checkEmoji(c.Emoji)
	}
	return Errorf(InvalidArgument, "kind is %q; it is edit, delete, react or unreact", c.Kind)
}

func (s *ChangeService) checkEmoji(emoji string) error {
	switch {
	case emoji == "":
		return Errorf(InvalidArgument, "emoji is empty")
	case len(emoji) > MaxEmojiBytes:
		return Errorf(InvalidArgument, "emoji is %d bytes; the limit is %d", len(emoji), MaxEmojiBytes)
	case s.Emoji == nil:
		return Errorf(InvalidArgument, "this rpc-server has no reactions")
	case !s.Emoji(emoji):
		return Errorf(InvalidArgument, "emoji is %q; give one emoji", emoji)
	}
	return nil
}

// digest identifies the content of the change for its ID. No text of a message begins with a zero byte and such a word.
func (c *Change) digest() string {
	return "\x00" + string(c.Kind) + " " + strconv.FormatInt(c.Ref, 10) + " " + c.Emoji + c.Text
}

// checkText validates the text of a message.
func (l Limits) checkText(text string) error {
	switch {
	case text == "":
		return Errorf(InvalidArgument, "text is empty")
	case len(text) > l.MaxTextBytes:
		return Errorf(InvalidArgument, "text is %d bytes; the limit is %d", len(text), l.MaxTextBytes)
	case !utf8.ValidString(text):
		return Errorf(InvalidArgument, "text is not valid UTF-8")
	}
	return nil
}
