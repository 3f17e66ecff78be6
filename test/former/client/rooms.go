package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Room is a room that was created.
type Room struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Visibility string   `json:"visibility"` // "public", or "private": members only
	Created    int64    `json:"created"`    // microseconds since 1970
	Count      int      `json:"member_count"`
	Role       string   `json:"role,omitempty"`    // the caller's: "admin", "member", or ""
	Members    []Member `json:"members,omitempty"` // of Show and ShowFrom

	HasMore    bool   `json:"has_more,omitempty"`    // there are more members
	NextCursor string `json:"next_cursor,omitempty"` // of ShowFrom; "" at the end

	Retention string `json:"retention,omitempty"` // the age after which messages go, like "720h"; "" is the server's
}

// Member is a member of a room.
type Member struct {
	User  string `json:"user"`
	Role  string `json:"role"`
	Since int64  `json:"since"` // the SendTime of the membership's notice
}

// NewRoom asks for a room.
type NewRoom struct {
	ID         string   `json:"id,omitempty"` // "" lets the server generate one
	Name       string   `json:"name,omitempty"`
	Visibility string   `json:"visibility,omitempty"` // "" is "private"
	Users      []string `json:"users,omitempty"`      // up to 100 members beside the creator
	Retention  string   `json:"retention,omitempty"`  // the age after which messages go, like "720h"; "" is the server's
}

// RoomPage is a page of rooms, without their members.
type RoomPage struct {
	Rooms      []Room `json:"rooms"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor"`
}

// Rooms acts on rooms as one user.
type Rooms struct {
	client *Client
	as     string
}

// RoomsAs returns Rooms for a user. With the user's own token user may be "".
func (c *Client) RoomsAs(user string) Rooms { return Rooms{c, user} }

func (r Rooms) path(query url.Values, parts ...string) string {
	escaped := []string{"/api/rooms"}
	for _, part := range parts {
		escaped = append(escaped, url.PathEscape(part))
	}
	path := strings.Join(escaped, "/")
	if query == nil {
		query = url.Values{}
	}
	if r.as != "" {
		query.Set("as", r.as)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// once makes a request that must not be retried once it may have arrived; unknown is the text of its error then.
func (r Rooms) once(ctx context.Context, method string, what any, unknown string, parts ...string) (Room, error) {
	return r.ask(ctx, request{method: method, stores: true, unknown: unknown}, what, parts...)
}

// do makes an idempotent request.
func (r Rooms) do(ctx context.Context, method string, what any, parts ...string) (Room, error) {
	return r.ask(ctx, request{method: method}, what, parts...)
}

func (r Rooms) ask(ctx context.Context, asked request, what any, parts ...string) (Room, error) {
	asked.path = r.path(nil, parts...)
	var room Room
	if what != nil {
		var err error
		if asked.body, err = json.Marshal(what); err != nil {
			return room, err
		}
	}
	err := r.client.call(ctx, asked, &room)
	return room, err
}

// Create creates a room. A request that may have arrived is not retried, because the retry would find its own room. Then a
// *RetryError has Unknown.
func (r Rooms) Create(ctx context.Context, room NewRoom) (Room, error) {
	return r.once(ctx, http.MethodPost, room, "it is unknown whether the room was made: list the rooms to see")
}

// Show returns a room with its members, oldest membership first.
func (r Rooms) Show(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodGet, nil, room)
}

// ShowFrom is Show for a later page of members: from is the NextCursor of the previous page. A limit of 0 is the server's
// largest page.
func (r Rooms) ShowFrom(ctx context.Context, room, from string, limit int) (Room, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if from != "" {
		query.Set("cursor", from)
	}
	var shown Room
	err := r.client.call(ctx, request{method: http.MethodGet, path: r.path(query, room)}, &shown)
	return shown, err
}

// Mine returns the user's rooms from one on, inclusive, sorted by the bytes of their ids. A limit of 0 is the server's
// default.
func (r Rooms) Mine(ctx context.Context, from string, limit int) (RoomPage, error) {
	return r.list(ctx, from, limit)
}

// Public returns the public rooms, in the same order.
func (r Rooms) Public(ctx context.Context, from string, limit int) (RoomPage, error) {
	return r.list(ctx, from, limit, "public")
}

func (r Rooms) list(ctx context.Context, from string, limit int, parts ...string) (RoomPage, error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if from != "" {
		query.Set("cursor", from)
	}
	var page RoomPage
	err := r.client.call(ctx, request{method: http.MethodGet, path: r.path(query, parts...)}, &page)
	return page, err
}

// Rename gives a room another name.
func (r Rooms) Rename(ctx context.Context, room, name string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"name": name}, room)
}

// Open makes a room public.
func (r Rooms) Open(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"visibility": "public"}, room)
}

// Close makes a room private: only members can follow it.
func (r Rooms) Close(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"visibility": "private"}, room)
}

// Retain sets the age after which a room's messages go, like "720h". "" is the server's.
func (r Rooms) Retain(ctx context.Context, room, retention string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"retention": retention}, room)
}

// Delete deletes a room with its messages. A request that may have arrived is not retried, because the retry would find no
// room. Then a *RetryError has Unknown.
func (r Rooms) Delete(ctx context.Context, room string) error {
	_, err := r.once(ctx, http.MethodDelete, nil, "it is unknown whether the room was deleted: show it to see", room)
	return err
}

// Join makes the user a member of a public room.
func (r Rooms) Join(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPost, nil, room, "join")
}

// Leave ends the user's membership. When the last admin leaves, the member with the oldest membership becomes admin.
func (r Rooms) Leave(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPost, nil, room, "leave")
}

// Add makes up to 100 users members.
func (r Rooms) Add(ctx context.Context, room string, users ...string) (Room, error) {
	return r.do(ctx, http.MethodPost, map[string][]string{"users": users}, room, "members")
}

// Remove ends a user's membership. The user's streams of the room end within a second.
func (r Rooms) Remove(ctx context.Context, room, user string) (Room, error) {
	return r.do(ctx, http.MethodDelete, nil, room, "members", user)
}

// Assign makes a member an "admin", or an admin a "member".
func (r Rooms) Assign(ctx context.Context, room, user, role string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"role": role}, room, "members", user)
}
