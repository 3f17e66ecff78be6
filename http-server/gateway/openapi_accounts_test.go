package gateway

import (
	"fmt"
	"net/http"
	"strings"
)

// accountAnswers are those of accounts and sessions. large is a body that is too large.
func accountAnswers(large string) map[string]answered {
	const login, users = `{"user":"a","password":"correct horse"}`, `{"users":["a","b"]}`
	const refresh = `{"refresh_token":"a.c2Vzc2lvbg.c2VjcmV0"}`
	const password = `{"user":"a","password":"correct horse","new_password":"staple staple"}`
	answers := map[string]answered{
		"register":              {call{method: "POST", target: "/api/users", body: login}, 201},
		"register, other case":  {call{method: "POST", target: "/api/users", contentType: jsonType, body: `{"User":"a","PASSWORD":"correct horse","name":"A"}`}, 201},
		"users":                 {call{method: "GET", target: "/api/users?prefix=a&cursor=a&limit=1"}, 200},
		"users with HEAD":       {call{method: "HEAD", target: "/api/users"}, 200},
		"users, wrong limit":    {call{method: "GET", target: "/api/users?limit=many"}, 400},
		"users with PUT":        {call{method: "PUT", target: "/api/users"}, 405},
		"user":                  {call{method: "GET", target: "/api/users/a+b@c.d"}, 200},
		"user with HEAD":        {call{method: "HEAD", target: "/api/users/a"}, 200},
		"user with POST":        {call{method: "POST", target: "/api/users/a"}, 405},
		"a path below a user":   {call{method: "GET", target: "/api/users/a/b"}, 404},
		"delete":                {call{method: "DELETE", target: "/api/users/me?erase=true"}, 200},
		"delete, not complete":  {call{method: "DELETE", target: "/api/users/me?user=bob"}, 202},
		"delete, wrong erase":   {call{method: "DELETE", target: "/api/users/me?erase=1"}, 400},
		"delete with PUT":       {call{method: "PUT", target: "/api/users/me"}, 405},
		"a user called me":      {call{method: "GET", target: "/api/users/me"}, 200},
		"contacts":              {call{method: "POST", target: "/api/contacts/sync", body: users}, 200},
		"contacts with GET":     {call{method: "GET", target: "/api/contacts/sync"}, 405},
		"contacts, much larger": {call{method: "POST", target: "/api/contacts/sync", body: strings.Repeat("x", 3*maxBodyBytes)}, 413},
		"login":                 {call{method: "POST", target: "/api/login", body: login}, 200},
		"login with GET":        {call{method: "GET", target: "/api/login"}, 405},
		"refresh":               {call{method: "POST", target: "/api/refresh", header: map[string][]string{"Idempotency-Key": {"key"}}, body: refresh}, 200},
		"refresh with PATCH":    {call{method: "PATCH", target: "/api/refresh"}, 405},
		"logout":                {call{method: "POST", target: "/api/logout", body: refresh}, 200},
		"logout of nothing":     {call{method: "POST", target: "/api/logout"}, 200},
		"logout with DELETE":    {call{method: "DELETE", target: "/api/logout"}, 405},
		"password":              {call{method: "POST", target: "/api/password", body: password}, 200},
		"password with GET":     {call{method: "GET", target: "/api/password"}, 405},
	}
	for path, good := range map[string]string{
		"/api/users": login, "/api/contacts/sync": users, "/api/login": login, "/api/refresh": refresh, "/api/logout": refresh, "/api/password": password,
	} {
		addBadBodies(answers, "POST", path, good, large)
	}
	addBadBodies(answers, "DELETE", "/api/users/me", `{"user":"a","password":"correct horse"}`, large)
	return answers
}

// addBadBodies adds the answers of every route to a body that cannot be read.
func addBadBodies(answers map[string]answered, method, path, good, large string) {
	for name, bad := range map[string]answered{
		"no JSON":            {call{body: `{`}, 400},
		"not an object":      {call{body: `[]`}, 400},
		"not UTF-8":          {call{body: "{\"user\":\"\xff\"}"}, 400},
		"large":              {call{body: large + large}, 413},
		"large, in chunks":   {call{body: large + large, chunked: true}, 413},
		"text":               {call{body: good, contentType: "text/plain"}, 415},
		"gzip":               {call{body: good, header: http.Header{"Content-Encoding": {"gzip"}}}, 415},
		"a body of one form": {call{body: "a=b", contentType: "application/x-www-form-urlencoded"}, 415},
	} {
		bad.call.method, bad.call.target = method, path
		answers[fmt.Sprintf("%s %s, %s", method, path, name)] = bad
	}
}
