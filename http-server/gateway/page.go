package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/web"
)

// webOff is the value of WEB without a page.
const webOff = "off"

// pagePolicy allows the page its own scripts, styles, images and server, and nothing else. The page has no inline
// script or style, and makes no HTML of texts: the only trusted type is the address of its service worker.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types pullchat-worker"

// withFiles lets the page upload files to an origin, and show those that are there.
func withFiles(policy, origin string) string {
	if origin == "" {
		return policy
	}
	return strings.NewReplacer("img-src 'self'", "img-src 'self' "+origin, "connect-src 'self'", "connect-src 'self' "+origin).Replace(policy) +
		"; media-src " + origin
}

// docsPolicy is the policy of the API explorer. Swagger UI has pictures in its style, and sets HTML that it has
// cleaned.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// workerPolicy is the policy of the service worker: it may fetch the page's files.
const workerPolicy = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"

// How long browsers keep files: those with a hash in their name for ever, all others as long as the server confirms them.
const (
	keepForever = "public, max-age=31536000, immutable"
	keepAsking  = "no-cache"
)

// pageRoutes serve the page to chat on, the API explorer and the page for operators.
func (s *Server) pageRoutes() []route {
	settings, _ := json.Marshal(struct { // of strings and booleans, which cannot fail
		Auth         bool   `json:"auth"`
		Registration string `json:"registration"`
	}{s.config.Auth == authOn, s.config.Registration})
	return []route{
		{method: methodGet, path: "/", access: open, handler: servePage(web.Page(settings), withFiles(pagePolicy, s.config.AttachmentOrigin))},
		{method: methodGet, path: "/docs", access: open, handler: servePage(web.Docs(), docsPolicy)},
		{method: methodGet, path: "/admin", access: open, handler: servePage(web.Admin(), pagePolicy)},
		{method: methodGet, path: "/app/:file", access: open, handler: servePart},
	}
}

func servePage(page web.File, policy string) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		header := &c.Response.Header
		header.Set("Content-Security-Policy", policy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		serveFile(c, page)
	}
}

func servePart(ctx context.Context, c *app.RequestContext) {
	name := c.Param("file")
	file, found := web.Part(name)
	if !found {
		reply.NoRoute(ctx, c)
		return
	}
	if name == web.Worker {
		c.Response.Header.Set("Content-Security-Policy", workerPolicy)
		c.Response.Header.Set("Service-Worker-Allowed", "../") // the page, and not only its parts
	}
	serveFile(c, file)
}

// serveFile answers with a file, compressed where the client reads that, or says that the client's copy is good.
func serveFile(c *app.RequestContext, file web.File) {
	header := &c.Response.Header
	header.Set("Cache-Control", keepAsking)
	if file.Hashed {
		header.Set("Cache-Control", keepForever)
	}
	header.Set("ETag", file.ETag)
	header.Add("Vary", "Accept-Encoding")
	if bytes.Contains(c.GetHeader("If-None-Match"), []byte(file.ETag)) {
		c.SetStatusCode(consts.StatusNotModified)
		return
	}
	body := file.Body
	if file.Gzip != nil && acceptsGzip(string(c.GetHeader("Accept-Encoding"))) {
		header.Set("Content-Encoding", "gzip")
		body = file.Gzip
	}
	c.Data(consts.StatusOK, file.Type, body)
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3). A weight of zero refuses the coding.
func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "gzip") || name == "*" {
			return strings.Trim(strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q="), "0.") != "" || weight == ""
		}
	}
	return false
}
