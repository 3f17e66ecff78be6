package middleware

import (
	"bytes"
	"context"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/logging"
)

// Access is what a route asks of a request's token.
type Access int

const (
	Needed       Access = iota // a good token in the header
	TokenInQuery               // the same; the query parameter access_token will do, because a browser's EventSource and WebSocket cannot set headers
	Optional                   // a good token identifies the caller; any other is ignored
	Open                       // no token is read
)

// AccessTable has the Access of each route, by path and method. A path without a route needs a token.
type AccessTable map[string]map[string]Access

// Authenticate refuses requests without the token that their route needs, and puts the caller into the context. verify
// returns chat's errors. Except for TokenInQuery a token in the query does not count: queries end up in logs and histories.
func Authenticate(routes AccessTable, verify func(token string) (chat.Caller, error)) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		access := routes[c.FullPath()][string(c.Method())]
		if access == Open || access == Optional && len(c.GetHeader("Authorization")) == 0 {
			c.Next(ctx)
			return
		}
		caller, err := authenticate(c, access == TokenInQuery, verify)
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

func authenticate(c *app.RequestContext, inQuery bool, verify func(string) (chat.Caller, error)) (chat.Caller, error) {
	if header := bytes.TrimSpace(c.GetHeader("Authorization")); len(header) > 0 {
		scheme, token, _ := strings.Cut(string(header), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "Authorization is not Bearer and a token")
		}
		return verify(strings.TrimSpace(token))
	}
	if inQuery {
		if token := c.Query("access_token"); token != "" {
			return verify(token)
		}
	}
	return chat.Caller{}, chat.Errorf(chat.Unauthenticated, "a token is needed: Authorization: Bearer and what POST /api/login gives")
}
