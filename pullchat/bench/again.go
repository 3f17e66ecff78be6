package bench

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
)

// again is a request that every worker repeats.
type again struct {
	method, path string
	body         []byte
	// Each answer contains the text what this many times.
	what  string
	count int
}

const password = "correct horse"

// prepareAgain creates the data for such a load: a user with many chats, or with an account.
func (r *run) prepareAgain(ctx context.Context) error {
	switch r.Kind {
	case Inbox:
		r.again = again{
			method: http.MethodGet, path: fmt.Sprintf("/api/inbox?reader=%s&limit=%d", r.name, r.Limit),
			what: `"unread":`, count: min(r.Limit, r.Chats),
		}
		return r.fillHistories(ctx)
	case Unread:
		r.again = again{method: http.MethodGet, path: "/api/unread?reader=" + r.name, what: `"unread":`, count: r.Chats}
		return r.fillHistories(ctx)
	default:
		conn := r.target.connect()
		defer conn.close()
		body := fmt.Appendf(nil, `{"user":"%s","password":"%s"}`, r.name, password)
		r.again = again{method: http.MethodPost, path: "/api/login", body: body, what: `"access_token":`, count: 1}
		return conn.must(ctx, http.MethodPost, "/api/users", map[string]string{"user": r.name, "password": password})
	}
}

func (r *run) repeat(ctx context.Context, w *worker) int {
	status, body, err := w.conn.ask(ctx, r.again.method, r.again.path, r.again.body)
	if err != nil {
		return 0
	}
	if status == http.StatusOK && bytes.Count(body, []byte(r.again.what)) != r.again.count {
		w.wrong++
	}
	return status
}
