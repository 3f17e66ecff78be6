package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// restrain bans or mutes the user in the path.
func (r *Rooms) restrain(ctx context.Context, c *app.RequestContext, kind chat.ChangeKind) {
	var request api.RestraintRequest
	if err := r.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	r.change(ctx, c, chat.RoomChange{Kind: kind, Users: []string{c.Param("user")}, Until: request.Until, Reason: request.Reason})
}

// release lifts the ban or the mute of the user in the path.
func (r *Rooms) release(ctx context.Context, c *app.RequestContext, kind chat.ChangeKind) {
	r.change(ctx, c, chat.RoomChange{Kind: kind, Users: []string{c.Param("user")}, Reason: query(c, "reason")})
}

// Ban answers PUT /api/rooms/{room}/bans/{user}.
func (r *Rooms) Ban(ctx context.Context, c *app.RequestContext) { r.restrain(ctx, c, chat.BanUser) }

// Unban answers DELETE /api/rooms/{room}/bans/{user}.
func (r *Rooms) Unban(ctx context.Context, c *app.RequestContext) { r.release(ctx, c, chat.UnbanUser) }

// Mute answers PUT /api/rooms/{room}/mutes/{user}.
func (r *Rooms) Mute(ctx context.Context, c *app.RequestContext) { r.restrain(ctx, c, chat.MuteMember) }

// Unmute answers DELETE /api/rooms/{room}/mutes/{user}.
func (r *Rooms) Unmute(ctx context.Context, c *app.RequestContext) {
	r.release(ctx, c, chat.UnmuteMember)
}

// Pin answers PUT /api/rooms/{room}/pins/{send_time}.
func (r *Rooms) Pin(ctx context.Context, c *app.RequestContext) { r.pin(ctx, c, chat.PinMessage) }

// Unpin answers DELETE /api/rooms/{room}/pins/{send_time}.
func (r *Rooms) Unpin(ctx context.Context, c *app.RequestContext) { r.pin(ctx, c, chat.UnpinMessage) }

func (r *Rooms) pin(ctx context.Context, c *app.RequestContext, kind chat.ChangeKind) {
	ref, err := queryInt("send_time", []byte(c.Param("send_time")))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	r.change(ctx, c, chat.RoomChange{Kind: kind, Ref: ref})
}

// Bans answers GET /api/rooms/{room}/bans.
func (r *Rooms) Bans(ctx context.Context, c *app.RequestContext) {
	page, ok := r.restraints(ctx, c, chat.Ban)
	if !ok {
		return
	}
	reply.JSON(c, consts.StatusOK, &api.BansResponse{Bans: restraints(page), HasMore: page.HasMore, NextCursor: page.NextCursor})
}

// Mutes answers GET /api/rooms/{room}/mutes.
func (r *Rooms) Mutes(ctx context.Context, c *app.RequestContext) {
	page, ok := r.restraints(ctx, c, chat.Mute)
	if !ok {
		return
	}
	reply.JSON(c, consts.StatusOK, &api.MutesResponse{Mutes: restraints(page), HasMore: page.HasMore, NextCursor: page.NextCursor})
}

func (r *Rooms) restraints(ctx context.Context, c *app.RequestContext, kind chat.RestraintKind) (chat.RestraintPage, bool) {
	asked := chat.RestraintsRequest{Room: c.Param("room"), Kind: kind, As: query(c, "as"), Cursor: query(c, "cursor")}
	return ask(ctx, c, &asked, numbers{"limit": &asked.Limit}, r.rooms.Restraints)
}

func restraints(page chat.RestraintPage) []*api.Restraint {
	answer := make([]*api.Restraint, len(page.Restraints))
	for i, one := range page.Restraints {
		answer[i] = &api.Restraint{User: one.User, Until: one.Until, Since: one.Since, By: one.By, Reason: given(one.Reason)}
	}
	return answer
}
