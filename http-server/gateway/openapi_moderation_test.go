package gateway

// answersOfModeration are those of what services do about users.
func answersOfModeration(large string) map[string]answered {
	return map[string]answered{
		"suspend":                     {call{method: "PUT", target: "/api/admin/users/a/suspension", body: `{"reason":"spam"}`}, 200},
		"suspend without a body":      {call{method: "PUT", target: "/api/admin/users/a/suspension"}, 400},
		"suspend with too much":       {call{method: "PUT", target: "/api/admin/users/a/suspension", body: large}, 413},
		"suspend with another field":  {call{method: "PUT", target: "/api/admin/users/a/suspension", body: `{"because":"spam"}`}, 400},
		"a suspension with POST":      {call{method: "POST", target: "/api/admin/users/a/suspension"}, 405},
		"restore":                     {call{method: "DELETE", target: "/api/admin/users/a/suspension?reason=sorry"}, 200},
		"restore, other query":        {call{method: "DELETE", target: "/api/admin/users/a/suspension?x=1"}, 400},
		"sessions of a user":          {call{method: "GET", target: "/api/admin/users/a/sessions"}, 200},
		"end sessions":                {call{method: "DELETE", target: "/api/admin/users/a/sessions?reason=lost"}, 200},
		"end a session":               {call{method: "DELETE", target: "/api/admin/users/a/sessions/b"}, 200},
		"end sessions, other query":   {call{method: "DELETE", target: "/api/admin/users/a/sessions?session=b"}, 400},
		"a session with GET":          {call{method: "GET", target: "/api/admin/users/a/sessions/b"}, 405},
		"reset a password":            {call{method: "PUT", target: "/api/admin/users/a/password", body: `{"password":"correct horse","reason":"lost"}`}, 200},
		"reset without a password":    {call{method: "PUT", target: "/api/admin/users/a/password"}, 400},
		"reset with too much":         {call{method: "PUT", target: "/api/admin/users/a/password", body: large}, 413},
		"all rooms":                   {call{method: "GET", target: "/api/admin/rooms?cursor=0/0/&limit=5"}, 200},
		"all rooms, wrong limit":      {call{method: "GET", target: "/api/admin/rooms?limit=x"}, 400},
		"metrics for a stranger":      {call{method: "GET", target: "/api/admin/metrics"}, 403},
		"suspensions":                 {call{method: "GET", target: "/api/admin/suspensions?cursor=a&limit=5"}, 200},
		"suspensions, wrong limit":    {call{method: "GET", target: "/api/admin/suspensions?limit=x"}, 400},
		"audit log":                   {call{method: "GET", target: "/api/audit?cursor=5&limit=5"}, 200},
		"audit log before what":       {call{method: "GET", target: "/api/audit?cursor=x"}, 400},
		"audit log that is not asked": {call{method: "DELETE", target: "/api/audit"}, 405},
	}
}
