package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Room is a room that somebody has created.
type Room struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Visibility string   `json:"visibility"` // "public", or "private": to its members
	Created    int64    `json:"created"`    // microseconds since 1970
	Count      int      `json:"member_count"`
	Role       string   `json:"role,omitempty"`    // of who asks: "admin", "member", or "" where she is none
	Members    []Member `json:"members,omitempty"` // as Show has them

	HasMore    bool   `json:"has_more,omitempty"`    // members
	NextCursor string `json:"next_cursor,omitempty"` // of ShowFrom; "" at the end
}

// Member is one of a room's.
type Member struct {
	User  string `json:"user"`
	Role  string `json:"role"`
	Since int64  `json:"since"` // the SendTime of the notice of it
}

// NewRoom asks for a room.
type NewRoom struct {
	ID         string   `json:"id,omitempty"` // "" lets the server make one
	Name       string   `json:"name,omitempty"`
	Visibility string   `json:"visibility,omitempty"` // "" is "private"
	Users      []string `json:"users,omitempty"`      // members beside who creates it, up to 100
}

// RoomPage is a page of rooms, without their members.
type RoomPage struct {
	Rooms      []Room `json:"rooms"`
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor"`
}

// Rooms is what one user does about rooms.
type Rooms struct {
	client *Client
	as     string
}

// RoomsAs returns what a user does about rooms. With a token of her own she need not be named.
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

// once asks for what is not done twice; unknown is what its error says where it may have been done.
func (r Rooms) once(ctx context.Context, method string, what any, unknown string, parts ...string) (Room, error) {
	return r.ask(ctx, request{method: method, stores: true, unknown: unknown}, what, parts...)
}

// do asks for what may be done twice.
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

// Create makes a room. It is not repeated where the server may have made it: it would find its own room. Then a
// *RetryError says Unknown.
func (r Rooms) Create(ctx context.Context, room NewRoom) (Room, error) {
	return r.once(ctx, http.MethodPost, room, "it is unknown whether the room was made: list the rooms to see")
}

// Show returns a room with its members, those who are for longest first.
func (r Rooms) Show(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodGet, nil, room)
}

// ShowFrom is Show from one page of members on: from is the NextCursor of the page before. A limit of 0 is the server's
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

// Mine returns the user's rooms from one on, inclusive, by the bytes of their ids. A limit of 0 is the server's default.
func (r Rooms) Mine(ctx context.Context, from string, limit int) (RoomPage, error) {
	return r.list(ctx, from, limit)
}

// Public returns the public rooms, in the same way.
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

// Close makes a room private: those who are no members cannot follow it any more.
func (r Rooms) Close(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"visibility": "private"}, room)
}

// Delete deletes a room with its messages. It is not repeated where the server may have deleted it: it would find no
// room. Then a *RetryError says Unknown.
func (r Rooms) Delete(ctx context.Context, room string) error {
	_, err := r.once(ctx, http.MethodDelete, nil, "it is unknown whether the room was deleted: show it to see", room)
	return err
}

// Join makes the user a member of a public room.
func (r Rooms) Join(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPost, nil, room, "join")
}

// Leave ends it. When the last admin leaves, the one who is a member for longest becomes one.
func (r Rooms) Leave(ctx context.Context, room string) (Room, error) {
	return r.do(ctx, http.MethodPost, nil, room, "leave")
}

// Add makes up to 100 users members.
func (r Rooms) Add(ctx context.Context, room string, users ...string) (Room, error) {
	return r.do(ctx, http.MethodPost, map[string][]string{"users": users}, room, "members")
}

// Remove ends it. What a user follows of the room ends within a second.
func (r Rooms) Remove(ctx context.Context, room, user string) (Room, error) {
	return r.do(ctx, http.MethodDelete, nil, room, "members", user)
}

// Assign makes a member an "admin", or an admin a "member".
func (r Rooms) Assign(ctx context.Context, room, user, role string) (Room, error) {
	return r.do(ctx, http.MethodPatch, map[string]string{"role": role}, room, "members", user)
}
