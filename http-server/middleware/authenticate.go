package middleware

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/logging"
)

// Access is a route's requirement for the token of a request.
type Access int

const (
	Needed       Access = iota // a good token in the header
	TokenInQuery               // the same, or in the query parameter access_token: a browser's EventSource and WebSocket set no headers
	Optional                   // a good token identifies the caller; any other is ignored
	Open                       // no token is read
	Password                   // a good token in the header, or a user's name and password (Basic)
)

// AccessTable has the Access of each route, by path and method. A path without a route needs a token.
type AccessTable map[string]map[string]Access

// Identify returns the caller of a token or of a password. Its functions return chat's errors.
type Identify struct {
	Token    func(ctx context.Context, token string) (chat.Caller, error)
	Password func(ctx context.Context, user, password string) (chat.Caller, error) // nil: no route takes passwords
}

// Authenticate refuses requests without the token that their route needs, and puts the caller into the context. Only
// routes with TokenInQuery accept a token in the query: queries end up in logs and histories.
func Authenticate(routes AccessTable, identify Identify) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		access := routes[c.FullPath()][string(c.Method())]
		if access == Open || access == Optional && len(c.GetHeader("Authorization")) == 0 {
			c.Next(ctx)
			return
		}
		caller, err := identify.authenticate(ctx, c, access)
		if err != nil && access == Optional { // an old token does not keep a user from registering again
			c.Next(ctx)
			return
		}
		if err != nil {
			reply.Fail(c, err)
			return
		}
		logging.SetUser(ctx, caller.User)
		c.Next(chat.WithCaller(ctx, caller))
	}
}

func (i Identify) authenticate(ctx context.Context, c *app.RequestContext, access Access) (chat.Caller, error) {
	if header := bytes.TrimSpace(c.GetHeader("Authorization")); len(header) > 0 {
		scheme, given, _ := strings.Cut(string(header), " ")
		given = strings.TrimSpace(given)
		switch {
		case strings.EqualFold(scheme, "Bearer"):
			return i.Token(ctx, given)
		case strings.EqualFold(scheme, "Basic") && access == Password && i.Password != nil:
			user, password, err := basic(given)
			if err != nil {
				return chat.Caller{}, err
			}
			return i.Password(ctx, user, password)
		case access == Password:
			return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "Authorization is neither Bearer with a token nor Basic with a name and a password")
		}
		return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "Authorization is not Bearer with a token")
	}
	if access == TokenInQuery {
		if token := c.Query("access_token"); token != "" {
			return i.Token(ctx, token)
		}
	}
	if access == Password {
		return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "a password is needed: curl --user NAME, or a token as Authorization: Bearer")
	}
	return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "a token is needed: Authorization: Bearer with the access token of POST /api/login")
}

// basic reads the credentials of Basic authentication (RFC 7617, 2).
func basic(given string) (user, password string, err error) {
	text, err := base64.StdEncoding.DecodeString(given)
	user, password, found := strings.Cut(string(text), ":")
	if err != nil || !found {
		return "", "", chat.Errorf(chat.Unauthenticated, "Authorization: Basic needs a name, a colon and a password, in base64")
	}
	return user, password, nil
}
