package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Form is the kind of chats under load.
type Form string

// The forms.
const (
	Open    Form = "open"    // rooms that were never created, which are open to all users
	Pairs   Form = "pairs"   // two-person chats; each belongs to one connection's user, the only writer
	Private Form = "private" // private rooms, with the users of all connections as members
)

// Tokens signs the tokens that requests carry: *token.Keys, with the key of the servers under load.
type Tokens interface {
	ForUser(user, session string, lasts time.Duration) (string, error)
	ForService(name string, lasts time.Duration) (string, error)
}

// tokensLast is far longer than a run.
const tokensLast = 24 * time.Hour

// service is a connection that may act for any user.
func (r *run) service() (*connection, error) {
	conn := r.target.connect()
	if r.Tokens == nil {
		return conn, nil
	}
	token, err := r.Tokens.ForService("bench", tokensLast)
	conn.authorization = token
	return conn, err
}

// as is a connection of a user.
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

// owner is the user of a two-person chat who makes requests; "" where chats are rooms.
func (r *run) owner(n int) string {
	switch {
	case r.Kind == Inbox || r.Kind == Unread:
		return r.name
	case r.ChatsAre == Pairs:
		return senderName(n % max(1, r.Connections))
	}
	return ""
}

// historian is the writer of a chat's history: in a two-person chat the other user.
func (r *run) historian(n int) string {
	if r.owner(n) != "" {
		return fmt.Sprintf("%s.%d", r.name, n)
	}
	return senderName(-1)
}

// draw returns a random chat among those of a worker's user.
func (r *run) draw(w *worker) int {
	if r.ChatsAre != Pairs {
		return w.random.IntN(r.Chats)
	}
	own := (r.Chats - w.number + r.Connections - 1) / r.Connections
	return w.number + r.Connections*w.random.IntN(own)
}

// usersAtOnce is the maximum of users in one request.
const usersAtOnce = 100

// register makes accounts for the users of some workers. Users that have one stay as they are.
func (r *run) register(ctx context.Context, conn *connection, workers int) error {
	for n := range workers {
		text, err := json.Marshal(map[string]string{"user": senderName(n), "password": password})
		if err != nil {
			return err
		}
		status, answer, err := conn.ask(ctx, http.MethodPost, "/api/users", text)
		if err != nil || status != http.StatusCreated && status != http.StatusConflict {
			return errors.Join(fmt.Errorf("register %s: status %d %s", senderName(n), status, answer), err)
		}
	}
	return nil
}

// createRooms creates the run's rooms: private ones with all workers' users as members, or public ones. With AUTH=on
// each member needs an account.
func (r *run) createRooms(ctx context.Context) error {
	conn, err := r.service()
	if err != nil {
		return err
	}
	defer conn.close()
	visibility, members := "public", 1
	if r.ChatsAre == Private {
		visibility, members = "private", max(1, r.Connections)
	}
	if r.Tokens != nil {
		if err := r.register(ctx, conn, members); err != nil {
			return err
		}
	}
	for chat := range r.Chats {
		path, body := "/api/rooms", map[string]any{"id": r.chat(chat), "visibility": visibility}
		for from := 0; from < members; from += usersAtOnce {
			var users []string
			for n := from; n < min(from+usersAtOnce, members); n++ {
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

// must makes a request with a JSON body. It fails unless the request succeeds.
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
