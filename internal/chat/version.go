package chat

import "context"

// Version is a text that a message has, or had before an edit. An edit changes nothing else of a message.
type Version struct {
	SendTime int64  // of the message, or of the edit's entry
	Sender   string // the user who wrote it
	Text     string
}

// VersionsRequest asks for a page of the versions of a message.
type VersionsRequest struct {
	Chat   string
	Ref    int64 // the message's position
	Cursor int64 // inclusive SendTime of a version; 0 is the first
	Limit  int64 // as in PullRequest
}

// VersionPage answers a VersionsRequest. The last version is the present text.
type VersionPage struct {
	Versions   []Version // oldest first
	HasMore    bool
	NextCursor int64 // as in Page
}

// VersionsQuery asks for a message and its earlier texts.
type VersionsQuery struct {
	Chat   ID
	Ref    int64
	From   int64  // the SendTime of the first earlier text
	Limit  int    // of earlier texts
	Member string // as in Append
	Exists bool   // as in Append
}

// StoredVersions are a message and its earlier texts.
type StoredVersions struct {
	Message Message   // SendTime is 0 if there is none at the position
	Role    Role      // of the query's Member in the room, or ""
	Earlier []Version // oldest first, without Sender
}

// Versions implements Changes.
func (s *ChangeService) Versions(ctx context.Context, r VersionsRequest) (VersionPage, error) {
	by := callerOf(ctx)
	id, err := ParseID(r.Chat)
	if err == nil {
		err = checkCursor(r.Cursor)
	}
	if err == nil {
		err = CheckLimit(r.Limit)
	}
	if err != nil {
		return VersionPage{}, err
	}
	if r.Ref < 1 || r.Ref > MaxSendTime {
		return VersionPage{}, Errorf(InvalidArgument, "send_time is %d; give that of the message whose history to read", r.Ref)
	}
	member, err := s.Access.member(id, r.Chat, by)
	if err != nil {
		return VersionPage{}, err
	}
	if !by.Service && by.User != "" && !id.IsRoom() {
		return VersionPage{}, Errorf(PermissionDenied, "the history of edits in %s is for services; in a room also its admins may read it", id)
	}
	limit := s.limits.page(r.Limit)
	query := VersionsQuery{Chat: id, Ref: r.Ref, From: r.Cursor, Limit: limit + 1, Member: member, Exists: s.Access.mustExist(id, by)}
	stored, err := s.store.ReadVersions(ctx, query)
	if err != nil {
		return VersionPage{}, AsError(err)
	}
	switch m := stored.Message; {
	case member != "" && stored.Role != Admin:
		return VersionPage{}, Errorf(PermissionDenied, "only an admin of room %s may read the history of edits", id)
	case !s.limits.EditHistory:
		return VersionPage{}, Errorf(PermissionDenied, "this server keeps no history of edits: EDIT_HISTORY is off; set it to on for all rpc-servers")
	case m.SendTime == 0:
		return VersionPage{}, Errorf(NotFound, "there is no message at %d in this chat, or it has expired", r.Ref)
	case m.Notice != nil:
		return VersionPage{}, Errorf(InvalidArgument, "the entry at %d is a notice, which has no history of edits", r.Ref)
	case m.Erased:
		return VersionPage{}, Errorf(NotFound, "the message at %d was deleted, with its earlier texts", r.Ref)
	}
	return stored.page(r.Cursor, limit), nil
}

// page returns the versions from a position on.
func (s StoredVersions) page(from int64, limit int) VersionPage {
	page := VersionPage{Versions: s.Earlier, NextCursor: from}
	for i := range page.Versions {
		page.Versions[i].Sender = s.Message.Sender // no other user may edit
	}
	if present := s.Message.version(); present.SendTime >= from {
		page.Versions = append(page.Versions, present)
	}
	if n := len(page.Versions); n > limit {
		page.HasMore, page.NextCursor, page.Versions = true, page.Versions[limit].SendTime, page.Versions[:limit]
	} else if n > 0 {
		page.NextCursor = page.Versions[n-1].SendTime + 1
	}
	return page
}

// version returns the present text of a message.
func (m *Message) version() Version {
	v := Version{SendTime: m.SendTime, Sender: m.Sender, Text: m.Text}
	if m.State != nil && m.State.Edited > 0 {
		v.SendTime = m.State.Edited
	}
	return v
}
