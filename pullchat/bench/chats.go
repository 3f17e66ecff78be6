package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Form is what kind of chats the load goes to.
type Form string

// The forms.
const (
	Open    Form = "open"    // rooms that nobody has created, which are everybody's
	Pairs   Form = "pairs"   // two-person chats; each is of one connection's user, who writes to no other's
	Private Form = "private" // private rooms, with the users of all connections as members
)

// Tokens signs the tokens that requests carry: *token.Keys, with the key of the servers under load.
type Tokens interface {
	ForUser(user, session string, lasts time.Duration) (string, error)
	ForService(name string, lasts time.Duration) (string, error)
}

// tokensLast is far longer than a run.
const tokensLast = 24 * time.Hour

// service is a connection that may act for everybody.
func (r *run) service() (*connection, error) {
	conn := r.target.connect()
	if r.Tokens == nil {
		return conn, nil
	}
	token, err := r.Tokens.ForService("bench", tokensLast)
	conn.authorization = token
	return conn, err
}

// as is a connection of a user's.
func (r *run) as(user string) (*connection, error) {
	conn := r.target.connect()
	if r.Tokens == nil {
		return conn, nil
	}
	token, err := r.Tokens.ForUser(user, "bench", tokensLast)
	conn.authorization = token
	return conn, err
}

// chat is the id of the run's nth chat.
func (r *run) chat(n int) string {
	if owner := r.owner(n); owner != "" {
		return fmt.Sprintf("%s:%s.%d", owner, r.name, n)
	}
	return fmt.Sprintf("%s.%d", r.name, n)
}

// owner is the one of a two-person chat's users who makes requests; "" where chats are rooms.
func (r *run) owner(n int) string {
	switch {
	case r.Kind == Inbox || r.Kind == Unread:
		return r.name
	case r.ChatsAre == Pairs:
		return senderName(n % max(1, r.Connections))
	}
	return ""
}

// historian is who has written what a chat has before the run: in a two-person chat the other one.
func (r *run) historian(n int) string {
	if r.owner(n) != "" {
		return fmt.Sprintf("%s.%d", r.name, n)
	}
	return senderName(-1)
}

// draw is a chat at random, of those that a worker's user is in.
func (r *run) draw(w *worker) int {
	if r.ChatsAre != Pairs {
		return w.random.IntN(r.Chats)
	}
	own := (r.Chats - w.number + r.Connections - 1) / r.Connections
	return w.number + r.Connections*w.random.IntN(own)
}

// usersAtOnce is how many users one request may name.
const usersAtOnce = 100

// createRooms makes the private rooms, with all workers' users in each.
func (r *run) createRooms(ctx context.Context) error {
	conn, err := r.service()
	if err != nil {
		return err
	}
	defer conn.close()
	for chat := range r.Chats {
		path, body := "/api/rooms", map[string]any{"id": r.chat(chat), "visibility": "private"}
		for from := 0; from < max(1, r.Connections); from += usersAtOnce {
			var users []string
			for n := from; n < min(from+usersAtOnce, r.Connections); n++ {
				users = append(users, senderName(n))
			}
			body["users"] = users
			if err := conn.must(ctx, http.MethodPost, path+"?as="+senderName(0), body); err != nil {
				return err
			}
			path, body = "/api/rooms/"+r.chat(chat)+"/members", map[string]any{}
		}
	}
	return nil
}

// must makes a request with a JSON body, which is to succeed.
func (c *connection) must(ctx context.Context, method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	status, answer, err := c.ask(ctx, method, path, text)
	if err != nil || status/100 != 2 {
		return errors.Join(fmt.Errorf("%s %s: status %d %s", method, path, status, answer), err)
	}
	return nil
}
