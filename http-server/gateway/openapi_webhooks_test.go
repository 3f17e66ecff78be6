package gateway

// answersOfWebhooks are those of webhooks. large is a body that is too large.
func answersOfWebhooks(large string) map[string]answered {
	answers := map[string]answered{
		"create a webhook":          {call{method: "POST", target: "/api/webhooks", body: `{"url":"https://example.org","chats":["a:b"],"events":["notices"],"bursts":true}`}, 201},
		"webhooks":                  {call{method: "GET", target: "/api/webhooks"}, 200},
		"webhooks with HEAD":        {call{method: "HEAD", target: "/api/webhooks"}, 200},
		"webhooks with PUT":         {call{method: "PUT", target: "/api/webhooks"}, 405},
		"a webhook":                 {call{method: "GET", target: "/api/webhooks/x"}, 200},
		"no webhook":                {call{method: "GET", target: "/api/webhooks/none"}, 404},
		"a webhook with POST":       {call{method: "POST", target: "/api/webhooks/x"}, 405},
		"change a webhook":          {call{method: "PATCH", target: "/api/webhooks/x", body: `{"url":"https://example.org","chats":["a"],"events":[],"bursts":false,"enabled":true}`}, 200},
		"rotate":                    {call{method: "PATCH", target: "/api/webhooks/x", body: `{"rotate":true}`}, 200},
		"remove a webhook":          {call{method: "DELETE", target: "/api/webhooks/x"}, 200},
		"a query with a removal":    {call{method: "DELETE", target: "/api/webhooks/x?as=a"}, 400},
		"a path below a webhook":    {call{method: "GET", target: "/api/webhooks/x/y"}, 404},
		"a webhook of no such kind": {call{method: "PATCH", target: "/api/webhooks/x", body: `{"enabled":"yes"}`}, 400},
	}
	addBadBodies(answers, "POST", "/api/webhooks", `{"url":"https://example.org"}`, large)
	addBadBodies(answers, "PATCH", "/api/webhooks/x", `{"enabled":true}`, large)
	return answers
}
