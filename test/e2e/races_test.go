package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/programtest"
)

// ask makes a request of a user, and returns the status and the answer.
func (c closed) ask(user, method, path, body string) (status int, answer map[string]any) {
	c.t.Helper()
	response := c.request(c.t.Context(), user, method, path, body)
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Errorf("%s: %s %s: %v", user, method, path, err)
	}
	_ = json.Unmarshal(text, &answer)
	return response.StatusCode, answer
}

// log is a whole chat, as a user reads it.
func (c closed) log(user, chat string) (messages []client.Message) {
	c.t.Helper()
	ctx := programtest.As(c.t.Context(), user)
	for m, err := range c.client.All(ctx, client.PullRequest{Chat: chat, Limit: 100}) {
		if err != nil {
			c.t.Fatalf("%s: pull %s: %v", user, chat, err)
		}
		messages = append(messages, m)
	}
	return messages
}

// members are those of a room, admins with a star, those who are for longest first.
func (c closed) members(user, room string) (names []string) {
	c.t.Helper()
	shown, err := c.client.RoomsAs(user).Show(programtest.As(c.t.Context(), user), room)
	if err != nil {
		c.t.Fatalf("%s: show %s: %v", user, room, err)
	}
	for _, m := range shown.Members {
		if m.Role == "admin" {
			m.User += "*"
		}
		names = append(names, m.User)
	}
	return names
}

// atOnce lets all begin at the same moment, and waits for them.
func atOnce(all ...func()) {
	begin := make(chan struct{})
	var group sync.WaitGroup
	for _, one := range all {
		group.Go(func() {
			<-begin
			one()
		})
	}
	close(begin)
	group.Wait()
}

// TestRemovedAtFullSpeed: a member who sends as fast as possible, through two http-servers, is removed through one of them.
// Each send is stored before the notice of it, or refused; none that begins after the answer is stored.
func TestRemovedAtFullSpeed(t *testing.T) {
	t.Parallel()
	both := startTwoClosed(t)
	const senders, rounds = 8, 10
	for round := range rounds {
		room := fmt.Sprint("club.", round)
		both[0].do("ann", "POST", "/api/rooms", fmt.Sprintf(`{"id":%q,"users":["bob","cid"]}`, room), 201)
		var removed atomic.Bool
		stored := make([]map[int64]string, senders)
		begun := make(chan struct{}, 10_000)
		send := func(sender int) {
			stored[sender] = map[int64]string{}
			for n := 0; ; n++ {
				late, text := removed.Load(), fmt.Sprintf("%d/%d", sender, n)
				body := fmt.Sprintf(`{"chat":%q,"text":%q}`, room, text)
				status, answer := both[(sender+n)%2].ask("bob", "POST", "/api/send", body)
				switch {
				case status == http.StatusForbidden && answer["code"] == "permission_denied":
					return
				case status != http.StatusOK || late:
					t.Errorf("a send = %d %v, after the removal: %v", status, answer, late)
					return
				}
				stored[sender][int64(answer["send_time"].(float64))] = text
				begun <- struct{}{}
			}
		}
		var all []func()
		for sender := range senders {
			all = append(all, func() { send(sender) })
		}
		all = append(all, func() {
			for range 5 * (1 + round) {
				<-begun
			}
			both[round%2].do("ann", "DELETE", "/api/rooms/"+room+"/members/bob", "", 200)
			removed.Store(true)
		})
		atOnce(all...)

		log, acknowledged := both[0].log("cid", room), 0
		for _, one := range stored {
			acknowledged += len(one)
		}
		if last := log[len(log)-1]; last.Notice == nil || last.Event != "removed" || len(log) != acknowledged+2 {
			t.Errorf("%s: %d messages are acknowledged; the log has %d, the last of them %+v", room, acknowledged, len(log)-2, last)
		}
		for _, m := range log[1 : len(log)-1] {
			if !slices.ContainsFunc(stored, func(one map[int64]string) bool { return one[m.SendTime] == m.Text }) {
				t.Errorf("%s: %q at %d is stored, and was never acknowledged", room, m.Text, m.SendTime)
			}
		}
	}
}

// TestRegisteredTwiceAtOnce: of two who register the same name at the same moment, at two http-servers, one does.
func TestRegisteredTwiceAtOnce(t *testing.T) {
	t.Parallel()
	both := startTwoClosed(t)
	for round := range 4 {
		credentials := func(i int) string {
			return fmt.Sprintf(`{"user":"alice.%d","password":"the password of %d"}`, round, i)
		}
		var registered [2]int
		atOnce(
			func() { registered[0], _ = both[0].ask("", "POST", "/api/users", credentials(0)) },
			func() { registered[1], _ = both[1].ask("", "POST", "/api/users", credentials(1)) },
		)
		if sum := registered[0] + registered[1]; sum != http.StatusCreated+http.StatusConflict {
			t.Errorf("two registrations at once = %v, want 201 and 409", registered)
		}
		for i, status := range registered {
			want := http.StatusUnauthorized
			if status == http.StatusCreated {
				want = http.StatusOK
			}
			both[1-i].do("", "POST", "/api/login", credentials(i), want)
		}
	}
}

// TestLastAdminsAtOnce: whatever two admins do to themselves and each other at the same moment, a room that has members
// has an admin.
func TestLastAdminsAtOnce(t *testing.T) {
	t.Parallel()
	both := startTwoClosed(t)
	leave := func(room string) (string, string, string) { return "POST", "/api/rooms/" + room + "/leave", "" }
	of := func(user, method, body string) func(string) (string, string, string) {
		return func(room string) (string, string, string) {
			return method, "/api/rooms/" + room + "/members/" + user, body
		}
	}
	demote := func(user string) func(string) (string, string, string) { return of(user, "PATCH", `{"role":"member"}`) }
	remove := func(user string) func(string) (string, string, string) { return of(user, "DELETE", "") }
	for _, c := range []struct {
		name     string
		ann, dan func(room string) (method, path, body string)
		members  []string // the possible outcomes
		statuses [][2]int
	}{
		{"both leave", leave, leave, []string{"bob* cid"}, [][2]int{{200, 200}}},
		{"both resign", demote("ann"), demote("dan"), []string{"ann* bob cid dan", "ann bob cid dan*"}, [][2]int{{200, 409}, {409, 200}}},
		{"one leaves, one resigns", leave, demote("dan"), []string{"bob* cid dan", "bob cid dan*"}, [][2]int{{200, 200}, {200, 409}}},
		{"each demotes the other", demote("dan"), demote("ann"), []string{"ann* bob cid dan", "ann bob cid dan*"}, [][2]int{{200, 403}, {403, 200}}},
		{"each removes the other", remove("dan"), remove("ann"), []string{"ann* bob cid", "bob cid dan*"}, [][2]int{{200, 403}, {403, 200}}},
		{"one leaves, the other removes her", leave, remove("ann"), []string{"bob cid dan*"}, [][2]int{{200, 200}}},
	} {
		for round := range 10 {
			room := fmt.Sprintf("%s.%d", strings.NewReplacer(" ", ".", ",", "").Replace(c.name), round)
			both[0].do("ann", "POST", "/api/rooms", fmt.Sprintf(`{"id":%q,"users":["bob"]}`, room), 201)
			for _, user := range []string{"cid", "dan"} { // one is a member for longer than the other
				both[0].do("ann", "POST", "/api/rooms/"+room+"/members", fmt.Sprintf(`{"users":[%q]}`, user), 200)
			}
			both[0].do("ann", "PATCH", "/api/rooms/"+room+"/members/dan", `{"role":"admin"}`, 200)
			var statuses [2]int
			change := func(i int, user string, ask func(string) (string, string, string)) func() {
				return func() {
					method, path, body := ask(room)
					statuses[i], _ = both[i].ask(user, method, path, body)
				}
			}
			atOnce(change(0, "ann", c.ann), change(1, "dan", c.dan))
			got := strings.Join(both[round%2].members("bob", room), " ")
			if !slices.Contains(c.members, got) || !slices.Contains(c.statuses, statuses) {
				t.Errorf("%s = %v, and the room has %q; want one of %v, and one of %q", c.name, statuses, got, c.statuses, c.members)
			}
			handed := 0
			for _, m := range both[0].log("bob", room) {
				if m.Notice != nil && m.Event == "handed_over" {
					handed++
				}
			}
			if by := strings.Contains(got, "bob*"); by != (handed == 1) || handed > 1 {
				t.Errorf("%s: the room has %q, and %d notices that it was handed over", c.name, got, handed)
			}
		}
	}
}
