// Package former tests that a client of an earlier version still reads chats with everything that later ones put there. README.md
// says which version that is.
package former

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
	"github.com/pullchat/pullchat/internal/redistest"
	former "github.com/pullchat/pullchat/test/former/client"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// patience is far above what anything here needs.
const patience = time.Minute

// ends is the text of the last message of each chat.
const ends = "that was all"

// TestFormerClient: a client of the former version pulls, resumes, follows and counts in chats that have every kind of entry,
// and sends to them. Half of the entries come while it follows.
func TestFormerClient(t *testing.T) {
	t.Parallel()
	redistest.Need(t)
	for _, auth := range []*programtest.Auth{nil, programtest.NewAuth(t)} {
		t.Run("AUTH="+auth.String(), func(t *testing.T) {
			t.Parallel()
			w := start(t, auth)
			w.write("first")
			w.pulls()
			w.counts()
			middle := map[string]int64{}
			for _, name := range w.chats {
				log := w.log(name)
				middle[name] = log[len(log)/2].SendTime
			}
			followers := w.follow(middle)
			w.write("second")
			w.passing()
			w.answer()
			for _, name := range w.chats {
				w.send(name, "alice", ends, nil)
			}
			for _, f := range followers {
				f.await(w)
			}
			w.pulls()
			w.counts()
		})
	}
}

// world is a server with two chats that alice and bob are in, and a client of each version. programtest.As sets the user.
type world struct {
	t       *testing.T
	auth    *programtest.Auth
	current *client.Client
	former  *former.Client
	chats   []string
	gone    []string // texts that were deleted, or edited away
}

const (
	pair = "alice:bob"
	club = "club"
)

func start(t *testing.T, auth *programtest.Auth) *world {
	t.Helper()
	serve := programtest.StartServe(t, auth.Gateways("DATA_DIR="+t.TempDir(), "RPC_ADDR=127.0.0.1:0")...)
	base := "http://" + serve.Addr()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	asking := &http.Client{Transport: auth.Transport(transport, "bob")}
	w := &world{t: t, auth: auth, chats: []string{pair, club}}
	var err error
	if w.current, err = client.New(base, asking); err != nil {
		t.Fatal(err)
	}
	if w.former, err = former.New(base, asking); err != nil {
		t.Fatal(err)
	}
	if auth.On() {
		programtest.Accounts(t, base, "alice", "bob", "carol", "dave")
	}
	room := client.NewRoom{ID: club, Users: []string{"bob", "carol", "dave"}}
	if _, err := w.current.RoomsAs("alice").Create(w.as("alice"), room); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) as(user string) context.Context { return programtest.As(w.t.Context(), user) }

// must fails the test for an error of a call.
func must[T any](w *world) func(T, error) T {
	return func(answer T, err error) T {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return answer
	}
}

func (w *world) send(name, sender, text string, content *client.Content) client.Change {
	w.t.Helper()
	m := client.Message{Chat: name, Sender: sender, Text: text, Content: content}
	sent := must[client.Receipt](w)(w.current.Send(w.as(sender), m))
	return client.Change{Chat: name, SendTime: sent.SendTime, Sender: sender}
}
