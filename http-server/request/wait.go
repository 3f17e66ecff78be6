package request

import "github.com/cloudwego/hertz/pkg/app"

const waited = "waited"

// Wait marks a request that waits for a message: its duration says nothing of the server.
func Wait(c *app.RequestContext) { c.Set(waited, true) }

// Waited reports whether a request was marked by Wait.
func Waited(c *app.RequestContext) bool { return c.GetBool(waited) }
