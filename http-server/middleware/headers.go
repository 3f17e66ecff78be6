package middleware

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
)

// Header is a header of an answer.
type Header struct{ Name, Value string }

// SecurityHeaders returns the security headers of every answer: an answer is data, and must not be cached.
// The routes of the page to chat on set their own.
// Strict-Transport-Security is included if the server itself speaks TLS.
func SecurityHeaders(encrypted bool) []Header {
	headers := []Header{
		{"X-Content-Type-Options", "nosniff"},
		{"Cache-Control", "no-store"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"Referrer-Policy", "no-referrer"},
	}
	if encrypted {
		headers = append(headers, Header{"Strict-Transport-Security", "max-age=31536000"})
	}
	return headers
}

// Secure sets the security headers.
func Secure(encrypted bool) app.HandlerFunc {
	type raw struct{ name, value []byte } // made once: a request only copies them
	var headers []raw
	for _, h := range SecurityHeaders(encrypted) {
		headers = append(headers, raw{[]byte(h.Name), []byte(h.Value)})
	}
	return func(_ context.Context, c *app.RequestContext) {
		for i := range headers {
			c.Response.Header.SetCanonical(headers[i].name, headers[i].value)
		}
	}
}
