package handler

import (
	"context"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/logging"
)

// Accounts answers the routes of accounts and sessions.
type Accounts struct {
	*Handler
	accounts chat.Accounts
	sessions chat.Sessions
	tokens   Tokens
}

// Tokens signs access tokens.
type Tokens struct {
	Sign    func(user, session string, lasts time.Duration) (string, error) // nil without a signing key
	Lasts   time.Duration
	Without error // the answer without a signing key
}

// NewAccounts returns the routes over accounts and sessions.
func NewAccounts(h *Handler, accounts chat.Accounts, sessions chat.Sessions, tokens Tokens) *Accounts {
	return &Accounts{Handler: h, accounts: accounts, sessions: sessions, tokens: tokens}
}

// Login answers POST /api/login.
func (a *Accounts) Login(ctx context.Context, c *app.RequestContext) {
	var request api.LoginRequest
	a.answerTokens(c, &request, func() (chat.Session, error) {
		return a.sessions.Login(ctx, chat.Credentials{User: request.User, Password: request.Password})
	})
}

// Refresh answers POST /api/refresh. A retry after a lost answer has the same Idempotency-Key. Without one, Refresh generates
// a key for the calls to rpc-servers.
func (a *Accounts) Refresh(ctx context.Context, c *app.RequestContext) {
	var request api.RefreshRequest
	a.answerTokens(c, &request, func() (chat.Session, error) {
		key := string(c.GetHeader(idempotencyKey))
		if key == "" {
			key = logging.NewRequestID()
		}
		return a.sessions.Refresh(ctx, chat.RefreshRequest{Token: request.RefreshToken, Key: key})
	})
}

// answerTokens reads a request and answers with the tokens of the resulting session. Without a signing key it does nothing.
func (a *Accounts) answerTokens(c *app.RequestContext, request any, begin func() (chat.Session, error)) {
	if a.tokens.Sign == nil {
		reply.Fail(c, a.tokens.Without)
		return
	}
	if err := a.readJSON(c, request); err != nil {
		reply.Fail(c, err)
		return
	}
	session, err := begin()
	if err != nil {
		reply.Fail(c, err)
		return
	}
	signed, err := a.tokens.Sign(session.User, session.ID, a.tokens.Lasts)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.TokenResponse{
		AccessToken: signed, RefreshToken: session.RefreshToken, TokenType: "Bearer",
		ExpiresIn: int64(a.tokens.Lasts / time.Second), User: session.User,
	})
}

// Logout answers POST /api/logout: it ends the session of the refresh token, or that of the access token.
func (a *Accounts) Logout(ctx context.Context, c *app.RequestContext) {
	var request api.LogoutRequest
	if err := a.readOptional(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	caller, _ := chat.CallerOf(ctx)
	logout := chat.LogoutRequest{RefreshToken: request.RefreshToken, User: caller.User, Session: caller.Session}
	if err := a.sessions.Logout(ctx, logout); err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

// readOptional reads a body that may be missing.
func (a *Accounts) readOptional(c *app.RequestContext, into any) error {
	body, err := readBody(c, a.config.MaxBodyBytes)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeChange(body, into)
}

// ChangePassword answers POST /api/password. It keeps the session of the refresh token, or else of the access token.
func (a *Accounts) ChangePassword(ctx context.Context, c *app.RequestContext) {
	var request api.PasswordRequest
	if err := a.readJSON(c, &request); err != nil {
		reply.Fail(c, err)
		return
	}
	change, err := passwordChange(ctx, &request)
	if err == nil {
		err = a.sessions.ChangePassword(ctx, change)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}

func passwordChange(ctx context.Context, request *api.PasswordRequest) (chat.PasswordChange, error) {
	user, err := chat.ActingUser(ctx, request.User)
	if err != nil {
		return chat.PasswordChange{}, err
	}
	change := chat.PasswordChange{User: user, Password: request.Password, NewPassword: request.NewPassword}
	if caller, known := chat.CallerOf(ctx); known && caller.User == user {
		change.Session = caller.Session
	}
	if request.RefreshToken == "" {
		return change, nil
	}
	owner, session, err := chat.ParseRefreshToken(request.RefreshToken)
	if err == nil && owner != user {
		err = chat.Errorf(chat.InvalidArgument, "refresh_token is another user's")
	}
	change.Session = session
	return change, err
}

// DeleteAccount answers DELETE /api/users/me. Its arguments come from a JSON body, the query string, or both; a password
// comes from the body only, because proxies log queries.
func (a *Accounts) DeleteAccount(ctx context.Context, c *app.RequestContext) {
	var request api.DeleteAccountRequest
	err := a.readOptional(c, &request)
	if user := query(c, "user"); user != "" {
		request.User = user
	}
	if erase := query(c, "erase"); erase != "" && err == nil {
		request.Erase, err = queryBool("erase", []byte(erase))
	}
	var user string
	if err == nil {
		user, err = chat.ActingUser(ctx, request.User)
	}
	if err != nil {
		reply.Fail(c, err)
		return
	}
	caller, _ := chat.CallerOf(ctx)
	complete, err := a.sessions.DeleteAccount(ctx, chat.Deletion{
		User: user, Password: request.Password, Erase: request.Erase, Session: caller.Session,
	})
	switch {
	case err != nil:
		reply.Fail(c, err)
	case complete:
		reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
	default:
		reply.JSON(c, consts.StatusAccepted, &api.StatusResponse{Status: "accepted"})
	}
}
