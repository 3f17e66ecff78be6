package chattest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// KeepDeletion implements chat.DeletionStore.
func (s *Store) KeepDeletion(_ context.Context, job chat.DeletionJob) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.jobs[job] = s.options.Clock().Add(chat.DeletionLease)
	return nil
}

// CloseAccount implements chat.DeletionStore.
func (s *Store) CloseAccount(_ context.Context, user string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.revoked[user] = s.options.Clock()
	s.tell(closed(user))
	account := s.accounts[user]
	s.accounts[user] = chat.StoredAccount{Account: chat.Account{User: user}, Kept: account.Kept, Deleted: true}
	delete(s.sessions, user)
	return nil
}

// closed is the event of a deleted or suspended user.
func closed(user string) chat.Event {
	return chat.Event{Chat: chat.SelfChat(user), Kind: chat.MembersChanged, Users: []string{user}}
}

// Revoked reports whether the tokens of a user are refused, and why.
func (s *Store) Revoked(user string) chat.Revocation {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.revocation(user)
}

func (s *Store) revocation(user string) chat.Revocation {
	if at, deleted := s.revoked[user]; deleted && s.options.Clock().Sub(at) < chat.DeletionSettles {
		return chat.UserDeleted
	}
	if _, suspended := s.suspended[user]; suspended {
		return chat.UserSuspended
	}
	return chat.NotRevoked
}

// ChatsOf implements chat.DeletionStore.
func (s *Store) ChatsOf(_ context.Context, user string) ([]chat.ID, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.SortedFunc(maps.Keys(s.chats[user]), func(a, b chat.ID) int { return strings.Compare(a.String(), b.String()) }), nil
}

// erasedAtOnce is how many messages one part of a log has. It is small, so that tests have logs of many parts.
const erasedAtOnce = 5

// EraseTexts implements chat.DeletionStore.
func (s *Store) EraseTexts(_ context.Context, id chat.ID, user string, from int64) (next int64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	known := s.log(id)
	first := known.from(from)
	end := min(len(known.messages), first+erasedAtOnce)
	for i := first; i < end; i++ {
		m := &known.messages[i]
		next = m.SendTime + 1
		if m.Sender == user && m.Notice == nil {
			delete(known.ids, messageID{m.Sender, m.ID})
			delete(known.earlier, m.SendTime)
			m.Text, m.ID, m.Erased, m.Content = "", "", true, m.Content.Erased()
			known.amended++
			s.room(id).unpin(m.SendTime)
		} else if m.Sender == user && m.Notice.IsChange() {
			delete(known.ids, messageID{m.Sender, m.ID})
			m.ID = ""
		}
	}
	if end == len(known.messages) {
		return 0, nil
	}
	return next, nil
}

// ForgetReader implements chat.DeletionStore.
func (s *Store) ForgetReader(_ context.Context, id chat.ID, user string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.received[id], user)
	maps.DeleteFunc(s.cursors[id], func(reader string, _ int64) bool { return chat.UserOf(reader) == user })
	return nil
}

// EndDeletion implements chat.DeletionStore.
func (s *Store) EndDeletion(_ context.Context, job chat.DeletionJob) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.ignored, job.User)
	delete(s.seen, job.User)
	delete(s.suspended, job.User)
	if job.Erase {
		s.giveUp(func(_ chat.AttachmentRef, a chat.Attachment) bool { return a.Sender == job.User })
	}
	maps.DeleteFunc(s.spent, func(of spending, _ spentAmount) bool { return of.user == job.User })
	delete(s.jobs, job)
	if !job.Last {
		s.jobs[chat.DeletionJob{User: job.User, Erase: job.Erase, Last: true}] = s.options.Clock().Add(chat.DeletionSettles)
		return nil
	}
	delete(s.chats, job.User)
	if !job.Erase {
		account := s.accounts[job.User]
		account.Kept = true
		s.accounts[job.User] = account
	}
	return nil
}

// DueDeletions implements chat.DeletionStore.
func (s *Store) DueDeletions(_ context.Context, limit int) ([]chat.DeletionJob, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.options.Clock()
	var due []chat.DeletionJob
	for job, at := range s.jobs {
		switch {
		case at.After(now) || len(due) == limit:
		case s.included(job):
			delete(s.jobs, job)
		default:
			due = append(due, job)
		}
	}
	for _, job := range due {
		s.jobs[job] = now.Add(chat.DeletionLease)
	}
	return due, nil
}

// included reports whether another job of the user erases, while a job keeps.
func (s *Store) included(job chat.DeletionJob) bool {
	for other := range s.jobs {
		if other.User == job.User && other.Erase && !job.Erase {
			return true
		}
	}
	return false
}

// spending has the charges of a user in windows of a length.
type spending struct {
	user, kind string
	window     time.Duration
}

// spentAmount is how much was spent in the window that a user spent in last.
type spentAmount struct {
	window int64 // the number of it since 1970
	amount int
}

// Spend implements chat.Spender.
func (s *Store) Spend(_ context.Context, user string, charges []chat.Charge) (time.Duration, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.spend(user, charges), nil
}

func (s *Store) spend(user string, charges []chat.Charge) (wait time.Duration) {
	now, after := s.options.Clock(), map[spending]spentAmount{}
	for _, c := range charges {
		of := spending{user, c.Kind, c.Window}
		window := now.UnixNano() / int64(c.Window)
		so := spentAmount{window, c.Amount}
		if known := s.spent[of]; known.window == window {
			so.amount += known.amount
		}
		if so.amount > c.Limit {
			return time.Unix(0, (window+1)*int64(c.Window)).Sub(now)
		}
		after[of] = so
	}
	maps.Copy(s.spent, after)
	return 0
}
