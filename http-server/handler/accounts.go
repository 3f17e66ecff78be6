package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Register answers POST /api/users.
func (a *Accounts) Register(ctx context.Context, c *app.RequestContext) {
	var request api.RegisterRequest
	if err := a.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	made, err := a.accounts.Register(ctx, chat.Registration{User: request.User, Password: request.Password, Name: request.Name})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusCreated, account(made))
}

func account(a chat.Account) *api.Account {
	answered := &api.Account{User: a.User, Name: a.Name, Created: a.Created}
	if a.LastSeen > 0 {
		answered.LastSeen = &a.LastSeen
	}
	if a.HidesLastSeen {
		answered.HidesLastSeen = &a.HidesLastSeen
	}
	return answered
}

// ChangeAccount answers PATCH /api/users/me.
func (a *Accounts) ChangeAccount(ctx context.Context, c *app.RequestContext) {
	var request api.ChangeAccountRequest
	if err := a.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	user, err := chat.ActingUser(ctx, request.User)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	changed, err := a.accounts.ChangeAccount(ctx, chat.AccountChange{User: user, HideLastSeen: request.HideLastSeen})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, account(changed))
}

// accounts is never null in JSON.
func accounts(some []chat.Account) []*api.Account {
	answered := make([]*api.Account, len(some))
	for i, a := range some {
		answered[i] = account(a)
	}
	return answered
}

// User answers GET /api/users/{user}.
func (a *Accounts) User(ctx context.Context, c *app.RequestContext) {
	found, err := a.accounts.Account(ctx, c.Param("user"))
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, account(found))
}

// Users answers GET /api/users.
func (a *Accounts) Users(ctx context.Context, c *app.RequestContext) {
	request := chat.AccountsRequest{Prefix: query(c, "prefix"), Cursor: query(c, "cursor")}
	if limit := query(c, "limit"); limit != "" {
		var err error
		if request.Limit, err = queryInt("limit", []byte(limit)); err != nil {
			reply.Fail(c, err)
			return
		}
	}
	page, err := a.accounts.Accounts(ctx, request)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.UsersResponse{
		Users: accounts(page.Accounts), HasMore: page.HasMore, NextCursor: page.NextCursor,
	})
}

// contactsBytes fits chat.MaxKnown of the longest users in UTF-8. It is below the connection's limit for a request.
const contactsBytes = 128 << 10

// Contacts answers POST /api/contacts/sync.
func (a *Accounts) Contacts(ctx context.Context, c *app.RequestContext) {
	var request api.ContactsRequest
	if err := a.readLong(c, contactsBytes, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	known, err := a.accounts.Known(ctx, request.Users)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.ContactsResponse{Users: accounts(known)})
}
