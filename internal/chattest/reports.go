package chattest

import (
	"context"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
)

// PutReport implements chat.ReportStore.
func (s *Store) PutReport(_ context.Context, r chat.Report, most int) (id int64, full bool, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	r.ID = s.now()
	open := 0
	for _, known := range s.reports {
		if known.State != chat.ReportOpen {
			continue
		}
		if open++; known.By == r.By && known.Chat == r.Chat && known.Ref == r.Ref && known.User == r.User {
			return known.ID, false, nil
		}
	}
	if n := len(s.reports); n > 0 {
		r.ID = max(r.ID, s.reports[n-1].ID+1)
	}
	if open >= most {
		return 0, true, nil
	}
	s.reports = append(s.reports, r)
	return r.ID, false, nil
}

// ReadReport implements chat.ReportStore.
func (s *Store) ReadReport(_ context.Context, id int64) (chat.Report, bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, r := range s.reports {
		if r.ID == id {
			return r, true, nil
		}
	}
	return chat.Report{}, false, nil
}

// ReadReports implements chat.ReportStore.
func (s *Store) ReadReports(_ context.Context, state chat.ReportState, from int64, limit int) (found []chat.Report, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, r := range s.reports {
		if r.State == state && r.ID >= from && len(found) < limit {
			found = append(found, r)
		}
	}
	return found, nil
}

// ResolveReport implements chat.ReportStore.
func (s *Store) ResolveReport(_ context.Context, r chat.Report, e chat.AuditEntry) (at int64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i, known := range s.reports {
		if known.ID == r.ID && known.State == chat.ReportOpen {
			r.ResolvedAt = s.record(e)
			s.reports[i] = r
			return r.ResolvedAt, nil
		}
	}
	return 0, nil
}

// ForgetReported implements chat.DeletionStore.
func (s *Store) ForgetReported(_ context.Context, user string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for i := range s.reports {
		chat.ForgetIn(&s.reports[i], user)
	}
	return nil
}

// ListOnline implements chat.ModerationStore. All users are one page.
func (s *Store) ListOnline(context.Context, uint64, int) (users []string, next uint64, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, gateways := range s.present {
		for _, report := range gateways {
			for _, reader := range report.readers {
				users = append(users, chat.UserOf(reader))
			}
		}
	}
	slices.Sort(users)
	return slices.Compact(users), 0, nil
}
