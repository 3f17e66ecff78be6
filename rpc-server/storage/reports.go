package storage

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

var (
	reportScript  = script("report")
	resolveScript = script("audit", "resolve_report")
	redactScript  = script("redact_report")
)

var _ chat.ReportStore = (*Store)(nil)

func (s *Store) reportKeys() []string {
	return []string{s.keys.Reports(), s.keys.ReportsOpen(), s.keys.ReportsResolved(), s.keys.Reported()}
}

// PutReport implements chat.ReportStore with report.lua.
func (s *Store) PutReport(ctx context.Context, r chat.Report, most int) (id int64, full bool, err error) {
	id, err = s.runUser(ctx, reportScript, s.reportKeys(), layout.FormatReport(r), layout.ReportedField(r), most, s.now())
	return id, id == 0, userError("keep a report", err)
}

// ReadReport implements chat.ReportStore.
func (s *Store) ReadReport(ctx context.Context, id int64) (chat.Report, bool, error) {
	found, err := s.readReports(ctx, []string{layout.ReportID(id)})
	if err != nil || len(found) == 0 {
		return chat.Report{}, false, err
	}
	return found[0], true, nil
}

// ReadReports implements chat.ReportStore.
func (s *Store) ReadReports(ctx context.Context, state chat.ReportState, from int64, limit int) ([]chat.Report, error) {
	key := s.keys.ReportsOpen()
	if state == chat.ReportResolved {
		key = s.keys.ReportsResolved()
	}
	by := redis.ZRangeArgs{Key: key, ByScore: true, Start: strconv.FormatInt(from, 10), Stop: "+inf", Count: int64(limit)}
	var call *redis.StringSliceCmd
	err := s.callOne(ctx, "list the reports", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.ZRangeArgs(ctx, by)
		return call
	})
	if err != nil || len(call.Val()) == 0 {
		return nil, err
	}
	return s.readReports(ctx, call.Val())
}

// readReports returns the reports with some ids, without those that are gone.
func (s *Store) readReports(ctx context.Context, ids []string) (found []chat.Report, err error) {
	key := s.keys.Reports()
	var call *redis.SliceCmd
	err = s.callOne(ctx, "read reports", key, func(ctx context.Context, pipeline redis.Pipeliner) redis.Cmder {
		call = pipeline.HMGet(ctx, key, ids...)
		return call
	})
	if err != nil {
		return nil, err
	}
	for i, value := range call.Val() {
		text, is := value.(string)
		if !is {
			continue
		}
		r, known := layout.ParseReport(ids[i], text)
		if !known {
			return nil, fmt.Errorf("read reports: %s is %q", ids[i], text)
		}
		found = append(found, r)
	}
	return found, nil
}

// ResolveReport implements chat.ReportStore with resolve_report.lua.
func (s *Store) ResolveReport(ctx context.Context, r chat.Report, e chat.AuditEntry) (at int64, err error) {
	r.ResolvedAt = math.MaxInt64 // the script replaces it
	at, err = s.runUser(ctx, resolveScript, append(s.reportKeys(), s.keys.Audit(), s.keys.AuditUsers()),
		layout.ReportID(r.ID), layout.FormatReport(r), strconv.FormatInt(r.ResolvedAt, 10), layout.ReportedField(r),
		layout.FormatAudit(e), s.options.AuditMax, s.now())
	return at, userError("resolve a report", err)
}

// ForgetReported implements chat.DeletionStore. Resolved reports have no texts; their reasons by the user go too.
func (s *Store) ForgetReported(ctx context.Context, user string) error {
	for _, state := range []chat.ReportState{chat.ReportOpen, chat.ReportResolved} {
		for from := int64(0); ; {
			page, err := s.ReadReports(ctx, state, from, lookedUpAtOnce)
			if err != nil {
				return err
			}
			for _, r := range page {
				from = r.ID + 1
				before := layout.FormatReport(r)
				if !chat.ForgetIn(&r, user) {
					continue
				}
				replaced, err := s.runUser(ctx, redactScript, []string{s.keys.Reports()}, layout.ReportID(r.ID), before, layout.FormatReport(r))
				if err != nil {
					return userError("erase from a report", err)
				}
				if replaced == 0 {
					return chat.Errorf(chat.Unavailable, "report %d is being changed; its text is erased later", r.ID)
				}
			}
			if len(page) < lookedUpAtOnce {
				break
			}
		}
	}
	return nil
}
