package middleware

import (
	"bytes"
	"context"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/handler"
	"github.com/pullchat/pullchat/internal/chat"
)

// free are the paths that need no token. For /api/users this holds for POST only, which accepts a service's token.
var free = map[string]bool{
	"/ping": true, "/readyz": true, "/openapi.yaml": true, "/api/login": true, "/api/refresh": true,
}

// streams are the paths that accept the token as the query parameter access_token, because EventSource and WebSocket in
// browsers cannot set headers. Other paths do not accept it: queries end up in logs and histories.
var streams = map[string]bool{"/api/stream": true, "/api/ws": true}

// Authenticate refuses requests without a valid token, except on free routes, and puts the caller into the context. verify
// returns chat's errors.
func Authenticate(verify func(token string) (chat.Caller, error)) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		path := c.FullPath()
		register := path == "/api/users" && string(c.Method()) == consts.MethodPost
		if free[path] || register && len(c.GetHeader("Authorization")) == 0 {
			c.Next(ctx)
			return
		}
		caller, err := authenticate(c, streams[path], verify)
		if err != nil && register { // an old token must not prevent a registration
			c.Next(ctx)
			return
		}
		if err != nil {
			handler.Fail(c, err)
			return
		}
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
