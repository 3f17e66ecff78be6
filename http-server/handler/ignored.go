package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// ignorer returns the user who ignores others: the caller, or the user in `as` or `reader`.
func ignorer(ctx context.Context, c *app.RequestContext) (string, error) {
	named := query(c, "as")
	if named == "" {
		named = chat.UserOf(query(c, "reader"))
	}
	return chat.ActingUser(ctx, named)
}

// Ignored answers GET /api/ignored.
func (i *Inboxes) Ignored(ctx context.Context, c *app.RequestContext) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	users, err := i.readers.Ignored(ctx, user)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	if users == nil {
		users = []string{}
	}
	reply.JSON(c, consts.StatusOK, &api.IgnoredResponse{Users: users})
}

// Ignore answers PUT /api/ignored/{user}.
func (i *Inboxes) Ignore(ctx context.Context, c *app.RequestContext) { i.setIgnored(ctx, c, true) }

// Unignore answers DELETE /api/ignored/{user}.
func (i *Inboxes) Unignore(ctx context.Context, c *app.RequestContext) { i.setIgnored(ctx, c, false) }

// setIgnored updates the streams of this gateway before the answer, so that they hide all later messages.
func (i *Inboxes) setIgnored(ctx context.Context, c *app.RequestContext, ignore bool) {
	user, err := ignorer(ctx, c)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	request := chat.IgnoreRequest{User: user, Other: c.Param("user"), Ignore: ignore}
	if err := i.readers.Ignore(ctx, request); err != nil {
		reply.Fail(c, err)
		return
	}
	i.hub.Ignore(request)
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}
