package request

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/internal/chat"
)

// errOrigin refuses a page that may not use this server.
var errOrigin = chat.Errorf(chat.PermissionDenied, "pages of this origin may not connect; ALLOWED_ORIGINS names those that may")

// changesNothing are the POST routes that only read.
var changesNothing = []string{"/api/pull", "/api/contacts/sync"}

// Changes reports whether a request may change something.
func Changes(c *app.RequestContext) bool { return !OnlyReads(string(c.Method()), c.FullPath()) }

// OnlyReads reports whether requests of a route change nothing.
func OnlyReads(method, route string) bool {
	switch method {
	case consts.MethodGet, consts.MethodHead, consts.MethodOptions:
		return true
	case consts.MethodPost:
		return slices.Contains(changesNothing, route)
	}
	return false
}

// CheckOrigin refuses requests of web pages, except those of the server's own origin and the allowed origins. Clients that are
// not browsers send no origin.
func CheckOrigin(c *app.RequestContext, allowed []string) error {
	origin, site := string(c.GetHeader("Origin")), string(c.GetHeader("Sec-Fetch-Site"))
	switch {
	case origin == "" && site == "", site == "same-origin", site == "none": // which no page can set
		return nil
	case slices.Contains(allowed, "*"), slices.Contains(allowed, origin), sameOrigin(origin, string(c.Host())):
		return nil
	}
	return errOrigin
}

// sameOrigin reports whether origin belongs to host. The scheme's default port is optional.
func sameOrigin(origin, host string) bool {
	page, err := url.Parse(origin)
	if err != nil || page.Host == "" {
		return false
	}
	port := map[string]string{"http": ":80", "https": ":443"}[strings.ToLower(page.Scheme)]
	return strings.EqualFold(strings.TrimSuffix(page.Host, port), strings.TrimSuffix(host, port))
}
