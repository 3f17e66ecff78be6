package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Rooms answers the routes of rooms. The acting user is the caller. Services, and all clients with AUTH off, name the user
// with the query parameter as.
type Rooms struct {
	*Handler
	rooms chat.Rooms
}

// NewRooms returns the routes over rooms.
func NewRooms(h *Handler, rooms chat.Rooms) *Rooms { return &Rooms{Handler: h, rooms: rooms} }

// answerRoom answers with a room or an error.
func answerRoom(c *app.RequestContext, status int, r chat.Room, err error) {
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, status, room(r))
}

func room(r chat.Room) *api.Room {
	answered := &api.Room{
		Id: r.ID, Name: r.Name, Visibility: string(r.Visibility), Created: r.Created, MemberCount: int64(r.Count),
	}
	if r.Role != "" {
		answered.Role = new(string(r.Role))
	}
	if r.Retention != 0 {
		answered.Retention = new(chat.FormatRetention(r.Retention))
	}
	if r.Rules.Announce {
		answered.Announce = &r.Rules.Announce
	}
	answered.SlowMode, answered.Pinned = given(chat.FormatRetention(r.Rules.SlowMode)), r.Pins
	if r.HasMore {
		answered.HasMore, answered.NextCursor = &r.HasMore, &r.NextCursor
	}
	for _, m := range r.Members {
		answered.Members = append(answered.Members, &api.Member{User: m.User, Role: string(m.Role), Since: m.Since})
	}
	return answered
}

// roomsBytes fits chat.MaxUsersAtOnce of the longest users.
const roomsBytes = 16 << 10

// readUsers reads a body that may name many users.
func (r *Rooms) readUsers(c *app.RequestContext, into any) error {
	return r.readLong(c, roomsBytes, into)
}

// Create answers POST /api/rooms.
func (r *Rooms) Create(ctx context.Context, c *app.RequestContext) {
	var request api.CreateRoomRequest
	if err := r.readUsers(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	retention, err := chat.ParseRetention(request.Retention)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	made, err := r.rooms.CreateRoom(ctx, chat.NewRoom{
		Retention: retention,
		ID:        request.Id, Name: request.Name, Visibility: chat.Visibility(request.Visibility), Users: request.Users, As: query(c, "as"),
	})
	answerRoom(c, consts.StatusCreated, made, err)
}

// Mine answers GET /api/rooms.
func (r *Rooms) Mine(ctx context.Context, c *app.RequestContext) { listRooms(ctx, c, r.rooms.RoomsOf) }

// Public answers GET /api/rooms/public.
func (r *Rooms) Public(ctx context.Context, c *app.RequestContext) {
	listRooms(ctx, c, r.rooms.PublicRooms)
}

// listRooms answers with a page of a list of rooms.
func listRooms(
	ctx context.Context, c *app.RequestContext, list func(context.Context, chat.RoomsRequest) (chat.RoomPage, error),
) {
	request := chat.RoomsRequest{As: query(c, "as"), Cursor: query(c, "cursor")}
	if limit := query(c, "limit"); limit != "" {
		var err error
		if request.Limit, err = queryInt("limit", []byte(limit)); err != nil {
			reply.Fail(c, err)
			return
		}
	}
	page, err := list(ctx, request)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.RoomsResponse{Rooms: make([]*api.Room, len(page.Rooms)), HasMore: page.HasMore, NextCursor: page.NextCursor}
	for i, one := range page.Rooms {
		answer.Rooms[i] = room(one)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Show answers GET /api/rooms/{room}.
func (r *Rooms) Show(ctx context.Context, c *app.RequestContext) {
	request := chat.RoomRequest{Room: c.Param("room"), As: query(c, "as"), Cursor: query(c, "cursor")}
	if limit := query(c, "limit"); limit != "" {
		var err error
		if request.Limit, err = queryInt("limit", []byte(limit)); err != nil {
			reply.Fail(c, err)
			return
		}
	}
	shown, err := r.rooms.Room(ctx, request)
	answerRoom(c, consts.StatusOK, shown, err)
}

// change applies a change to the room in the path, and answers with the room.
func (r *Rooms) change(ctx context.Context, c *app.RequestContext, wanted chat.RoomChange) {
	wanted.Room, wanted.As = c.Param("room"), query(c, "as")
	changed, err := r.rooms.ChangeRoom(ctx, wanted)
	answerRoom(c, consts.StatusOK, changed, err)
}

// Change answers PATCH /api/rooms/{room}: it makes all of the changes or none. A single change is sent in the form that
// earlier rpc-servers know.
func (r *Rooms) Change(ctx context.Context, c *app.RequestContext) {
	var request api.ChangeRoomRequest
	if err := r.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	if request.Retention != nil || request.SlowMode != nil || request.Announce != nil {
		r.changeAlone(ctx, c, &request)
		return
	}
	wanted := chat.RoomChange{Kind: chat.UpdateRoom}
	if request.Visibility != nil {
		wanted.Visibility = chat.Visibility(*request.Visibility)
		kind, known := map[chat.Visibility]chat.ChangeKind{chat.Public: chat.OpenRoom, chat.Private: chat.CloseRoom}[wanted.Visibility]
		if !known {
			reply.Fail(c, chat.Errorf(chat.InvalidArgument, "visibility is %q; it is public or private", wanted.Visibility))
			return
		}
		if request.Name == nil {
			wanted = chat.RoomChange{Kind: kind}
		}
	}
	if request.Name != nil {
		wanted.Name = *request.Name
		if request.Visibility == nil {
			wanted.Kind = chat.RenameRoom
		}
	}
	if request.Name == nil && request.Visibility == nil {
		reply.Fail(c, chat.Errorf(chat.InvalidArgument, "nothing to change; give name, visibility or both, or retention, slow_mode or announce"))
		return
	}
	r.change(ctx, c, wanted)
}

// changeAlone makes a change that is a kind of its own, which an earlier rpc-server refuses; so no other change comes with it.
func (r *Rooms) changeAlone(ctx context.Context, c *app.RequestContext, request *api.ChangeRoomRequest) {
	fields := 0
	for _, given := range []bool{
		request.Name != nil, request.Visibility != nil, request.Retention != nil, request.SlowMode != nil, request.Announce != nil,
	} {
		if given {
			fields++
		}
	}
	if fields > 1 {
		reply.Fail(c, chat.Errorf(chat.InvalidArgument, "retention, slow_mode and announce are changed by themselves; send the other fields in another request"))
		return
	}
	var wanted chat.RoomChange
	var err error
	switch {
	case request.Retention != nil:
		wanted.Kind = chat.RetainRoom
		wanted.Retention, err = chat.ParseRetention(*request.Retention)
	case request.SlowMode != nil:
		wanted.Kind = chat.SlowRoom
		wanted.SlowMode, err = chat.ParseSlowMode(*request.SlowMode)
	case *request.Announce:
		wanted.Kind = chat.AnnounceRoom
	default:
		wanted.Kind = chat.DiscussRoom
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	r.change(ctx, c, wanted)
}

// Delete answers DELETE /api/rooms/{room}.
func (r *Rooms) Delete(ctx context.Context, c *app.RequestContext) {
	_, err := r.rooms.ChangeRoom(ctx, chat.RoomChange{Room: c.Param("room"), Kind: chat.DeleteRoom, As: query(c, "as")})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// Join answers POST /api/rooms/{room}/join.
func (r *Rooms) Join(ctx context.Context, c *app.RequestContext) {
	r.change(ctx, c, chat.RoomChange{Kind: chat.JoinRoom})
}

// Leave answers POST /api/rooms/{room}/leave.
func (r *Rooms) Leave(ctx context.Context, c *app.RequestContext) {
	r.change(ctx, c, chat.RoomChange{Kind: chat.LeaveRoom})
}

// Add answers POST /api/rooms/{room}/members.
func (r *Rooms) Add(ctx context.Context, c *app.RequestContext) {
	var request api.AddMembersRequest
	if err := r.readUsers(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	r.change(ctx, c, chat.RoomChange{Kind: chat.AddMembers, Users: request.Users})
}

// Assign answers PATCH /api/rooms/{room}/members/{user}.
func (r *Rooms) Assign(ctx context.Context, c *app.RequestContext) {
	var request api.RoleRequest
	if err := r.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	kind, known := map[chat.Role]chat.ChangeKind{chat.Admin: chat.PromoteMember, chat.PlainMember: chat.DemoteAdmin}[chat.Role(request.Role)]
	if !known {
		reply.Fail(c, chat.Errorf(chat.InvalidArgument, "role is %q; it is admin or member", request.Role))
		return
	}
	r.change(ctx, c, chat.RoomChange{Kind: kind, Users: []string{c.Param("user")}})
}

// Remove answers DELETE /api/rooms/{room}/members/{user}.
func (r *Rooms) Remove(ctx context.Context, c *app.RequestContext) {
	r.change(ctx, c, chat.RoomChange{Kind: chat.RemoveMembers, Users: []string{c.Param("user")}})
}
