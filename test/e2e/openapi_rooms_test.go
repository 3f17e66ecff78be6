package e2e

import "fmt"

// needStore are the operations of files, which need a store of files.
var needStore = []string{"POST /api/attachments", "GET /api/attachments/{attachment}", "POST /api/attachments/{attachment}"}

// restraints bans and mutes a member, pins a message, asks who got one, and reports one.
func (d *described) restraints() {
	d.t.Helper()
	position := func(answer map[string]any) string { return fmt.Sprintf("%.0f", answer["send_time"]) }
	d.do("", "POST", "/api/users", `{"user":"yan","password":"correct horse"}`, 201)
	d.do("ann", "POST", "/api/rooms?as=ann", `{"id":"pub","users":["bob"]}`, 201)
	pinned := "/api/rooms/pub/pins/" + position(d.do("ann", "POST", "/api/send", `{"chat":"pub","text":"rules","sender":"ann"}`, 200))
	receipts := "/api/receipts?chat=ann:bob&as=ann&send_time=" + position(d.do("ann", "POST", "/api/send", `{"chat":"ann:bob","text":"there?","sender":"ann"}`, 200))
	for _, s := range []step{
		{"ann", "PUT", "/api/rooms/pub/mutes/bob?as=ann", `{"reason":"loud"}`, 200},
		{"ann", "GET", "/api/rooms/pub/mutes?as=ann", "", 200},
		{"ann", "DELETE", "/api/rooms/pub/mutes/bob?as=ann", "", 200},
		{"ann", "PUT", "/api/rooms/pub/bans/bob?as=ann", `{"reason":"loud"}`, 200},
		{"ann", "PUT", "/api/rooms/pub/bans/ann?as=ann", "", 400},
		{"ann", "GET", "/api/rooms/pub/bans?as=ann", "", 200},
		{"ann", "DELETE", "/api/rooms/pub/bans/bob?as=ann", "", 200},
		{"ann", "PUT", pinned + "?as=ann", "", 200},
		{"ann", "PUT", "/api/rooms/pub/pins/7?as=ann", "", 404},
		{"ann", "DELETE", pinned + "?as=ann", "", 200},
		{"ann", "GET", receipts, "", 200},
		{"yan", "PATCH", "/api/users/me", `{"user":"yan","hide_last_seen":true}`, 200},
		{"bob", "POST", "/api/reports?as=bob", `{"chat":"ann:bob","user":"ann","reason":"rude"}`, 201},
		{"bob", "POST", "/api/reports?as=bob", `{"chat":"ann:bob","user":"ann","reason":""}`, 400},
		{"ann", "POST", "/api/attachments", `{"chat":"ann:bob","sender":"ann","name":"a.png","bytes":1,"type":"image/png"}`, 404},
	} {
		d.do(s.user, s.method, s.target, s.body, s.status)
	}
	if d.token == nil {
		return
	}
	for _, s := range []step{
		{"eve", "PUT", "/api/rooms/pub/mutes/bob?as=eve", "{}", 403},
		{"eve", "GET", "/api/rooms/pub/mutes?as=eve", "", 403},
		{"eve", "DELETE", "/api/rooms/pub/mutes/bob?as=eve", "", 403},
		{"eve", "PUT", "/api/rooms/pub/bans/bob?as=eve", "{}", 403},
		{"eve", "GET", "/api/rooms/pub/bans?as=eve", "", 403},
		{"eve", "DELETE", "/api/rooms/pub/bans/bob?as=eve", "", 403},
		{"eve", "PUT", pinned + "?as=eve", "", 403},
		{"eve", "DELETE", pinned + "?as=eve", "", 403},
		{"eve", "GET", receipts, "", 403},
		{"eve", "PATCH", "/api/users/me", `{"user":"yan","hide_last_seen":true}`, 403},
		{"eve", "POST", "/api/reports?as=eve", `{"chat":"ann:bob","user":"ann","reason":"rude"}`, 403},
		{"eve", "GET", "/api/attachments/none?chat=ann:bob", "", 403},
		{"eve", "POST", "/api/attachments/none", `{"chat":"ann:bob"}`, 403},
		{"eve", "POST", "/api/attachments", `{"chat":"ann:bob","name":"a.png","bytes":1,"type":"image/png"}`, 403},
	} {
		d.do(s.user, s.method, s.target, s.body, s.status)
		d.do("", s.method, s.target, s.body, 401)
	}

	const svc = serviceName
	reports, _ := d.do(svc, "GET", "/api/reports", "", 200)["reports"].([]any)
	if len(reports) != 1 {
		d.t.Fatalf("the reports are %v, want one", reports)
	}
	report := fmt.Sprintf("/api/reports/%.0f", reports[0].(map[string]any)["report"])
	for _, s := range []step{
		{svc, "PATCH", report, `{"state":"resolved","note":"warned"}`, 200},
		{svc, "PATCH", report, `{"state":"forgotten"}`, 400},
		{svc, "GET", "/api/online", "", 200},
		{svc, "GET", "/api/users/bob/export?reason=asked", "", 200},
		{svc, "GET", "/api/users/none/export", "", 404},
	} {
		d.do(s.user, s.method, s.target, s.body, s.status)
		d.do("eve", s.method, s.target, s.body, 403)
		d.do("", s.method, s.target, s.body, 401)
	}
	d.do("eve", "GET", "/api/reports", "", 403)
	d.do("", "GET", "/api/reports", "", 401)
}
