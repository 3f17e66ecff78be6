package middleware

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
)

// Headers that pages of other origins may send and read (https://fetch.spec.whatwg.org/#http-cors-protocol).
const (
	corsSends  = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-Id"
	corsReads  = "Allow, Retry-After, WWW-Authenticate, X-Request-Id"
	corsMaxAge = "7200" // seconds: browsers take no more
)

// CORS allows web pages of some origins, or of all with "*", to read the answers. Requests of other origins are answered
// too, but browsers hide the answer. Pages may use the methods of all routes.
func CORS(allowedOrigins *request.List, methods []string) app.HandlerFunc {
	corsMethods := strings.Join(methods, ", ")
	return func(ctx context.Context, c *app.RequestContext) {
		header, origins := &c.Response.Header, allowedOrigins.Get()
		allowed := AllowedOrigin(origins, c.GetHeader("Origin"))
		for _, h := range CORSHeaders(origins, allowed) {
			header.Add(h.Name, h.Value)
		}
		switch {
		case string(c.Method()) != consts.MethodOptions || len(c.GetHeader("Access-Control-Request-Method")) == 0:
			c.Next(ctx)
		case allowed == "": // before any other error, such as a missing token, which would mislead
			reply.Fail(c, chat.Errorf(chat.PermissionDenied, "origin not allowed: ALLOWED_ORIGINS names the pages that may use this server"))
		default:
			header.Set("Access-Control-Allow-Methods", corsMethods)
			header.Set("Access-Control-Allow-Headers", corsSends)
			header.Set("Access-Control-Max-Age", corsMaxAge)
			c.AbortWithStatus(consts.StatusNoContent)
		}
	}
}

// AllowedOrigin returns the matching element of origins, "*" if all are allowed, or "".
func AllowedOrigin(origins []string, origin []byte) string {
	allowed := ""
	for _, o := range origins {
		switch o {
		case "*":
			return o
		case string(origin):
			allowed = o
		}
	}
	return allowed
}

// CORSHeaders returns the CORS headers of every answer. allowed is the result of AllowedOrigin.
func CORSHeaders(origins []string, allowed string) []Header {
	var headers []Header
	if len(origins) > 0 && allowed != "*" {
		headers = append(headers, Header{"Vary", "Origin"})
	}
	if allowed != "" {
		headers = append(headers, Header{"Access-Control-Allow-Origin", allowed}, Header{"Access-Control-Expose-Headers", corsReads})
	}
	return headers
}

// CheckOrigin refuses configured origins that no browser sends, and that would never match.
func CheckOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Scheme == "" || u.Hostname() == "":
		return fmt.Errorf("%q is no origin like https://example.org, nor *", origin)
	case u.Scheme+"://"+u.Host != origin:
		return fmt.Errorf("%q is more than an origin; that would be %s://%s", origin, u.Scheme, u.Host)
	case strings.ToLower(origin) != origin:
		return fmt.Errorf("%q never matches: browsers write %s", origin, strings.ToLower(origin))
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return fmt.Errorf("%q never matches: browsers leave :%s out", origin, u.Port())
	case strings.Contains(u.Host, "*"):
		return fmt.Errorf("%q has a *, which is for all origins and stands alone", origin)
	}
	return nil
}
