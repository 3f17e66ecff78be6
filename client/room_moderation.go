package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Restraint is a ban or a mute of a user in a room.
type Restraint struct {
	User   string `json:"user"`
	Until  int64  `json:"until"` // microseconds since 1970; 0 is for good
	Since  int64  `json:"since"` // the SendTime of its notice
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// RestraintPage is a page of bans or mutes, sorted by the bytes of the users' ids.
type RestraintPage struct {
	Restraints []Restraint
	HasMore    bool
	NextCursor string // "" at the end
}

// Ban removes a user from a room and keeps the user out of it until a time; the zero time is for good. The user need not be
// a member. The methods of this file are for admins of the room and for services.
func (r Rooms) Ban(ctx context.Context, room, user string, until time.Time, reason string) (Room, error) {
	return r.restrain(ctx, room, "bans", user, until, reason)
}

// Unban lifts a ban. It succeeds if there is none. reason may be empty.
func (r Rooms) Unban(ctx context.Context, room, user, reason string) (Room, error) {
	return r.release(ctx, room, "bans", user, reason)
}

// Mute lets a user read a room, and neither send, edit nor react, until a time; the zero time is for good.
func (r Rooms) Mute(ctx context.Context, room, user string, until time.Time, reason string) (Room, error) {
	return r.restrain(ctx, room, "mutes", user, until, reason)
}

// Unmute lifts a mute. It succeeds if there is none. reason may be empty.
func (r Rooms) Unmute(ctx context.Context, room, user, reason string) (Room, error) {
	return r.release(ctx, room, "mutes", user, reason)
}

func (r Rooms) restrain(ctx context.Context, room, kind, user string, until time.Time, reason string) (Room, error) {
	wanted := struct {
		Until  int64  `json:"until,omitempty"`
		Reason string `json:"reason,omitempty"`
	}{Reason: reason}
	if !until.IsZero() {
		wanted.Until = until.UnixMicro()
	}
	return r.do(ctx, http.MethodPut, wanted, room, kind, user)
}

func (r Rooms) release(ctx context.Context, room, kind, user, reason string) (Room, error) {
	query := url.Values{}
	if reason != "" {
		query.Set("reason", reason)
	}
	var changed Room
	err := r.client.call(ctx, request{method: http.MethodDelete, path: r.path(query, room, kind, user)}, &changed)
	return changed, err
}

// Bans returns a page of the bans of a room that are in effect, from cursor on. limit 0 is 100.
func (r Rooms) Bans(ctx context.Context, room, cursor string, limit int64) (RestraintPage, error) {
	return r.restraints(ctx, room, "bans", cursor, limit)
}

// Mutes returns a page of the mutes of a room that are in effect, from cursor on. limit 0 is 100.
func (r Rooms) Mutes(ctx context.Context, room, cursor string, limit int64) (RestraintPage, error) {
	return r.restraints(ctx, room, "mutes", cursor, limit)
}

func (r Rooms) restraints(ctx context.Context, room, kind, cursor string, limit int64) (RestraintPage, error) {
	query := url.Values{"cursor": {cursor}, "limit": {strconv.FormatInt(limit, 10)}}
	var answer struct {
		Bans       []Restraint `json:"bans"`
		Mutes      []Restraint `json:"mutes"`
		HasMore    bool        `json:"has_more"`
		NextCursor string      `json:"next_cursor"`
	}
	err := r.client.call(ctx, request{method: http.MethodGet, path: r.path(query, room, kind)}, &answer)
	return RestraintPage{append(answer.Bans, answer.Mutes...), answer.HasMore, answer.NextCursor}, err
}

// SlowMode sets the pause between two messages of a member, like "30s"; "" is none. Admins need not wait.
func (r Rooms) SlowMode(ctx context.Context, room, pause string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"slow_mode": pause}, room)
}

// Announce lets only admins send to a room, or all members again.
func (r Rooms) Announce(ctx context.Context, room string, only bool) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]bool{"announce": only}, room)
}

// Pin pins the message with a SendTime. A room has up to 50 pinned messages.
func (r Rooms) Pin(ctx context.Context, room string, sendTime int64) (Room, error) {
	return r.do(ctx, http.MethodPut, nil, room, "pins", strconv.FormatInt(sendTime, 10))
}

// Unpin unpins a message. It succeeds if the message is not pinned.
func (r Rooms) Unpin(ctx context.Context, room string, sendTime int64) (Room, error) {
	return r.do(ctx, http.MethodDelete, nil, room, "pins", strconv.FormatInt(sendTime, 10))
}
