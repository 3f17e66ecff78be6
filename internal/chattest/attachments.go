package chattest

import (
	"context"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// charged is the charge of a user's files.
type charged map[string]int64

// AddAttachment implements chat.AttachmentStore.
func (s *Store) AddAttachment(_ context.Context, ref chat.AttachmentRef, a chat.Attachment, look time.Time) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.attachments[ref], s.looksAt[ref] = a, look
	return nil
}

// FindAttachment implements chat.AttachmentStore.
func (s *Store) FindAttachment(_ context.Context, ref chat.AttachmentRef) (chat.StoredAttachment, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	a, found := s.attachments[ref]
	if !found {
		return chat.StoredAttachment{}, nil
	}
	return chat.StoredAttachment{Attachment: a, Stored: string(a.State)}, nil
}

// SetAttachment implements chat.AttachmentStore.
func (s *Store) SetAttachment(_ context.Context, ref chat.AttachmentRef, was chat.StoredAttachment, state chat.AttachmentState) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	a, found := s.attachments[ref]
	if !found || string(a.State) != was.Stored {
		return false, nil
	}
	a.State = state
	s.attachments[ref] = a
	return true, nil
}

// ChargeFile implements chat.AttachmentStore.
func (s *Store) ChargeFile(_ context.Context, user string, ref chat.AttachmentRef, bytes, quota int64) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.charged[user] == nil {
		s.charged[user] = charged{}
	}
	sum := bytes
	for _, of := range s.charged[user] {
		sum += of
	}
	if quota > 0 && sum > quota {
		return false, nil
	}
	s.charged[user][ref.ID] = bytes
	return true, nil
}

// ReturnCharge implements chat.AttachmentStore.
func (s *Store) ReturnCharge(_ context.Context, user string, ref chat.AttachmentRef) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.charged[user], ref.ID)
	return nil
}

// DropAttachment implements chat.AttachmentStore.
func (s *Store) DropAttachment(_ context.Context, ref chat.AttachmentRef) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.attachments, ref)
	delete(s.looksAt, ref)
	return nil
}

// LookAt implements chat.AttachmentStore.
func (s *Store) LookAt(_ context.Context, refs []chat.AttachmentRef, at time.Time) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, ref := range refs {
		s.looksAt[ref] = at
	}
	return nil
}

// DueAttachments implements chat.AttachmentStore.
func (s *Store) DueAttachments(_ context.Context, limit int) (due []chat.AttachmentRef, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.options.Clock()
	for ref, at := range s.looksAt {
		if !at.After(now) && len(due) < limit {
			due = append(due, ref)
			s.looksAt[ref] = now.Add(chat.AttachmentLease)
		}
	}
	return due, nil
}

// ListAttachments implements chat.AttachmentStore.
func (s *Store) ListAttachments(_ context.Context, id chat.ID) (all []chat.AttachmentRef, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for ref := range s.attachments {
		if ref.Chat == id {
			all = append(all, ref)
		}
	}
	return all, nil
}

// HasMessage implements chat.AttachmentStore.
func (s *Store) HasMessage(_ context.Context, ref chat.AttachmentRef, position int64) (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	m := s.at(ref.Chat, position)
	return m != nil && chat.AttachmentOf(m.Content) == ref.ID, nil
}

// KeptSince implements chat.AttachmentStore.
func (s *Store) KeptSince(_ context.Context, id chat.ID) int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	retention := s.options.Retention
	if own := s.room(id).retention; own > 0 && (retention == 0 || own < retention) {
		retention = own
	}
	if retention == 0 {
		return 0
	}
	return s.now() - retention.Microseconds()
}

// takes returns why a message may not have its attachment, or nil.
func (s *Store) takes(a chat.Append) error {
	if a.Attachment == "" {
		return nil
	}
	stored := s.attachments[chat.AttachmentRef{Chat: a.Chat, ID: a.Attachment}]
	switch {
	case stored.Sender == a.Message.Sender && stored.State == chat.AttachmentConfirmed:
		return nil
	case stored.Sender == a.Message.Sender && stored.State == chat.AttachmentSent:
		return chat.AttachmentTaken(a.Attachment)
	}
	return chat.NoAttachment(a.Attachment)
}

// take gives a message its attachment.
func (s *Store) take(a chat.Append, position int64) {
	if a.Attachment != "" {
		ref := chat.AttachmentRef{Chat: a.Chat, ID: a.Attachment}
		stored := s.attachments[ref]
		stored.State, stored.SendTime = chat.AttachmentSent, position
		s.attachments[ref] = stored
	}
}

// giveUp has attachments looked at whose messages are gone.
func (s *Store) giveUp(which func(chat.AttachmentRef, chat.Attachment) bool) {
	for ref, a := range s.attachments {
		if which(ref, a) {
			s.looksAt[ref] = time.Time{}
		}
	}
}
