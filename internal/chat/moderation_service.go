package chat

import (
	"cmp"
	"context"
	"slices"
	"time"
	"unicode/utf8"
)

// ModerationService implements Moderation. It applies every rule before it calls the store.
type ModerationService struct {
	store   ModerationStore
	hasher  Hasher
	reports ReportLimits
	Access  Access           // the access rules
	Now     func() time.Time // nil is time.Now
}

var _ Moderation = (*ModerationService)(nil)

// NewModerationService returns the Moderation over a store. hasher hashes the passwords that services set.
func NewModerationService(store ModerationStore, access Access, hasher Hasher, reports ReportLimits) *ModerationService {
	if reports.MaxOpen == 0 {
		reports.MaxOpen = DefaultMaxOpenReports
	}
	return &ModerationService{store: store, Access: access, hasher: hasher, reports: reports}
}

// service returns the name of the calling service. Anonymous callers are refused with AUTH=off too, because their
// changes of accounts would still hold once AUTH is on.
func (s *ModerationService) service(ctx context.Context) (string, error) {
	by := callerOf(ctx)
	if _, err := s.Access.identified(by); err != nil {
		return "", err
	}
	if !by.Service {
		return "", ForServices()
	}
	return cutTo(by.User, MaxServiceBytes), nil
}

// ForServices returns the error that other callers get where only services may ask.
func ForServices() error {
	return Errorf(PermissionDenied, "this is for services with AUTH=on; pullchat token makes a service's token")
}

// cutTo returns the beginning of a text with at most limit bytes.
func cutTo(text string, limit int) string {
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// act checks an action, and returns the entry of it.
func (s *ModerationService) act(ctx context.Context, do AuditAction, a UserAction) (AuditEntry, error) {
	by, err := s.service(ctx)
	if err == nil {
		err = checkName("user", a.User)
	}
	if err == nil && (len(a.Reason) > MaxReasonBytes || !utf8.ValidString(a.Reason)) {
		err = Errorf(InvalidArgument, "reason is longer than %d bytes, or not valid UTF-8", MaxReasonBytes)
	}
	return AuditEntry{By: by, Action: do, User: a.User, Reason: a.Reason, RequestID: cutTo(a.RequestID, MaxServiceBytes)}, err
}

// account returns the account of a user, or NotFound.
func (s *ModerationService) account(ctx context.Context, user string) (StoredAccount, error) {
	accounts, err := s.store.ReadAccounts(ctx, []string{user})
	switch {
	case err != nil:
		return StoredAccount{}, AsError(err)
	case accounts[0].PasswordHash == "":
		return StoredAccount{}, Errorf(NotFound, "there is no user %s", user)
	}
	return accounts[0], nil
}

// Suspend implements Moderation. The user is suspended first: a login that begins later finds that out, and one that began
// earlier is among the sessions that are ended.
func (s *ModerationService) Suspend(ctx context.Context, a UserAction) (Suspension, error) {
	entry, err := s.act(ctx, AuditSuspend, a)
	if err == nil && a.Reason == "" {
		err = Errorf(InvalidArgument, "reason is empty; the audit log needs one")
	}
	if err == nil {
		_, err = s.account(ctx, a.User)
	}
	if err != nil {
		return Suspension{}, err
	}
	suspension := Suspension{User: a.User, Reason: a.Reason, By: entry.By}
	if suspension.Since, err = s.store.PutSuspension(ctx, suspension, entry); err != nil {
		return Suspension{}, AsError(err)
	}
	if err := s.store.EndSessions(ctx, a.User); err != nil {
		return Suspension{}, AsError(err)
	}
	return suspension, nil
}

// Restore implements Moderation.
func (s *ModerationService) Restore(ctx context.Context, a UserAction) error {
	entry, err := s.act(ctx, AuditRestore, a)
	if err != nil {
		return err
	}
	return orNil(s.store.RemoveSuspension(ctx, a.User, entry))
}

// moderationLimit returns the number of entries of a page.
func moderationLimit(limit int64) (int, error) {
	if err := CheckLimit(limit); err != nil {
		return 0, err
	}
	return int(min(cmp.Or(limit, 100), MaxModerationPage)), nil
}

// Suspensions implements Moderation.
func (s *ModerationService) Suspensions(ctx context.Context, r SuspensionsRequest) (SuspensionPage, error) {
	_, err := s.service(ctx)
	if err == nil {
		err = checkNamePart("cursor", r.Cursor)
	}
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	if err != nil {
		return SuspensionPage{}, err
	}
	all, err := s.store.ReadSuspensions(ctx)
	if err != nil {
		return SuspensionPage{}, AsError(err)
	}
	slices.SortFunc(all, func(a, b Suspension) int { return cmp.Compare(a.User, b.User) })
	first, _ := slices.BinarySearchFunc(all, r.Cursor, func(a Suspension, from string) int { return cmp.Compare(a.User, from) })
	page := SuspensionPage{Suspensions: all[first:]}
	if len(page.Suspensions) > limit {
		page.HasMore, page.NextCursor = true, page.Suspensions[limit].User
		page.Suspensions = page.Suspensions[:limit]
	}
	return page, nil
}

// Audit implements Moderation.
func (s *ModerationService) Audit(ctx context.Context, r AuditRequest) (AuditPage, error) {
	_, err := s.service(ctx)
	if err == nil {
		err = checkCursor(r.Cursor)
	}
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	if err != nil {
		return AuditPage{}, err
	}
	entries, err := s.store.ReadAudit(ctx, r.Cursor, limit+1)
	if err != nil {
		return AuditPage{}, AsError(err)
	}
	page := AuditPage{Entries: entries}
	if len(entries) > limit {
		page.Entries = entries[:limit]
		page.HasMore, page.NextCursor = true, entries[limit-1].At
	}
	return page, nil
}

// refuseSuspended returns an error for a suspended user.
func (s *AccountService) refuseSuspended(ctx context.Context, user string) error {
	if s.IsSuspended == nil {
		return nil
	}
	suspended, err := s.IsSuspended(ctx, user)
	switch {
	case err != nil:
		return AsError(err)
	case suspended:
		return errSuspended(user)
	}
	return nil
}

// AllRooms implements Moderation.
func (s *ModerationService) AllRooms(ctx context.Context, r RoomsRequest) (RoomPage, error) {
	_, err := s.service(ctx)
	var limit int
	if err == nil {
		limit, err = moderationLimit(r.Limit)
	}
	if err != nil {
		return RoomPage{}, err
	}
	ids, next, err := s.store.ListAllRooms(ctx, r.Cursor, limit)
	if err != nil || len(ids) == 0 {
		return RoomPage{HasMore: next != "", NextCursor: next}, orNil(err)
	}
	queries := make([]RoomQuery, len(ids))
	for i, id := range ids {
		queries[i].Room = id
	}
	rooms, err := s.store.ReadRooms(ctx, queries)
	if err != nil {
		return RoomPage{}, AsError(err)
	}
	page := RoomPage{HasMore: next != "", NextCursor: next}
	for i, stored := range rooms {
		if exists(ids[i], stored) == nil {
			page.Rooms = append(page.Rooms, roomOf(ids[i], stored, ""))
		}
	}
	return page, nil
}
