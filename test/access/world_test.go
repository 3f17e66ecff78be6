package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// world is the servers, and the scene that all rows share: whose people have accounts, and which nothing that is refused
// changes.
type world struct {
	*stack

	test     *testing.T // as long as which it is there
	shared   scene
	receiver *receiver
	made     int
	hooks    map[scene]string // the webhooks of admins
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{stack: startStack(t), test: t, hooks: map[scene]string{}}
	w.register(t, "zed") // who is added to rooms
	w.begin(t)
	return w
}

// begin makes the shared scene, anew where something refused has changed it.
func (w *world) begin(t *testing.T) {
	t.Helper()
	if w.made++; w.made > 1 {
		w.shared.suffix = fmt.Sprint(w.made)
	}
	w.registerAll(t, w.shared)
	w.setUp(t, w.shared)
	for _, c := range []caller{admin, member} { // so that there is something to undo
		w.asService(t, "PUT", "/api/ignored/yak?as="+w.shared.name(c), "")
	}
	if w.receiver != nil {
		w.receiver.close()
	}
	w.receiver = w.listen(t, w.shared)
}

// registerAll makes the accounts of a scene's people.
func (w *world) registerAll(t *testing.T, in scene) {
	t.Helper()
	for _, c := range []caller{admin, member, other, stranger, removed} {
		w.register(t, in.name(c))
	}
}

// another makes a scene for one cell.
func (w *world) another(t *testing.T) scene {
	t.Helper()
	w.made++
	in := scene{fmt.Sprint(w.made)}
	w.registerAll(t, in)
	w.setUp(t, in)
	return in
}

// answer is the result of a request: the outcome as a table has it, but for "*", and its text.
type answer struct{ outcome, body string }

// asking makes a request of a row, which is filled in.
type asking func(t *testing.T, r row, request string, in scene, by caller) answer

// reading are the frames and methods that have nothing to change: Redis is looked at, and no more.
var reading = map[string]bool{
	"ping": true, "auth": true, "pull": true, "watch": true, "unwatch": true,
	"Ping": true, "Ready": true, "Watch": true, "Pull": true, "PullBatch": true, "Inbox": true, "Unread": true, "Chats": true,
	"Subscriptions": true, "Muted": true, "Subscribers": true, "PushTargets": true,
	"Ignored": true, "RoomsOf": true, "PublicRooms": true, "Present": true, "Readers": true, "Enter": true, "Room": true,
	"Account": true, "Accounts": true, "Known": true, "Words": true, "RegisteredWords": true, "Counts": true, "Webhooks": true, "WebhookRegistry": true, "Suspensions": true, "AllRooms": true, "UserSessions": true, "Audit": true, "ReadAttachment": true,
}

// try tries every cell of a table: those that are refused first, of all rows. Then there are no scenes of others yet, whose
// keys would be looked at too.
func (w *world) try(t *testing.T, rows []row, columns []caller, ask asking) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name+" "+r.request, func(t *testing.T) {
			refused, _ := r.split(columns)
			looks := len(refused) > 0 && !reading[r.name] && !strings.HasPrefix(r.name, http.MethodGet+" ")
			in, before := w.shared, map[string]string{}
			if looks {
				before = w.view(t)
			}
			w.tryCells(t, r, refused, ask)
			if looks {
				w.sameView(t, in, before)
			}
		})
	}
	for _, r := range rows {
		t.Run(r.name+" "+r.request, func(t *testing.T) {
			_, rest := r.split(columns)
			w.tryCells(t, r, rest, ask)
		})
	}
}

func (w *world) tryCells(t *testing.T, r row, cells []caller, ask asking) {
	t.Helper()
	for _, by := range cells {
		t.Run(string(by), func(t *testing.T) { w.cell(t, r, by, ask) })
	}
}

func (w *world) cell(t *testing.T, r row, by caller, ask asking) {
	t.Helper()
	in, want := w.shared, r.want[by]
	if r.scene != "same" && allowed(want) {
		in = w.another(t)
	}
	request := w.fill(t, r.request, in, by)
	var before map[string]string
	if !allowed(want) {
		before = w.stored(t)
	}
	got := ask(t, r, request, in, by)
	if told(got, request, in) {
		got.outcome += "*"
	}
	if got.outcome != want {
		t.Errorf("%s %s by %q = %s, want %s; the answer is %s", r.name, request, by, got.outcome, want, got.body)
	}
	heard := w.heard(t, r, in)
	if allowed(want) {
		if w.signals(r) && !slices.Equal(heard, []string{in.acts(by)}) {
			t.Errorf("%s %s by %q is heard as signals of %q, want one", r.name, request, by, heard)
		}
		return
	}
	if len(heard) > 0 {
		t.Errorf("%s %s by %q was heard as signals of %q, want none of what is refused", r.name, request, by, heard)
	}
	if after := w.stored(t); !maps.Equal(after, before) {
		t.Errorf("%s %s by %q has changed %q in Redis, want nothing", r.name, request, by, changed(before, after))
		w.begin(t)
	}
}

// told says whether something private is in an answer: a text, the room's name, or a chat that the request did not name.
func told(a answer, request string, in scene) bool {
	if strings.Contains(a.body, inRoom) || strings.Contains(a.body, inPair) {
		return true
	}
	for _, chat := range []string{in.room(), in.pair()} {
		if !strings.Contains(request, chat) && strings.Contains(a.body, `"`+chat+`"`) {
			return true
		}
	}
	return false
}

// digest returns all stored keys, each with a hash of its value.
var digest = redis.NewScript(`
	local all = {}
	for _, key in ipairs(redis.call('KEYS', '*')) do
		all[#all + 1] = key
		all[#all + 1] = redis.sha1hex(redis.call('DUMP', key))
	end
	return all`)

// stored returns all data in Redis except im:ready and the presence of other scenes, which expires on its own.
func (w *world) stored(t *testing.T) map[string]string {
	t.Helper()
	all, err := digest.Run(t.Context(), w.redis, nil).StringSlice()
	if err != nil {
		t.Fatalf("read Redis: %v", err)
	}
	keys := make(map[string]string, len(all)/2)
	for pair := range slices.Chunk(all, 2) {
		keys[pair[0]] = pair[1]
	}
	maps.DeleteFunc(keys, func(key, _ string) bool {
		return key == "im:ready" || strings.Contains(key, ":present:") &&
			!strings.HasSuffix(key, ":"+w.shared.room()) && !strings.HasSuffix(key, "present:"+w.shared.pair())
	})
	return keys
}

func changed(before, after map[string]string) (keys []string) {
	for key := range after {
		if before[key] != after[key] {
			keys = append(keys, key)
		}
	}
	for key := range before {
		if after[key] == "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// view is the shared scene as a service sees it: the messages of its chats, the present readers, and the member's data.
func (w *world) view(t *testing.T) map[string]string {
	t.Helper()
	user := w.shared.name(member)
	targets := []string{"/api/rooms/" + w.shared.room(), "/api/inbox?reader=" + user, "/api/ignored?as=" + user}
	for _, chat := range []string{w.shared.room(), w.shared.pair()} {
		for _, of := range []string{"pull?limit=100&reverse=true&chat=", "readers?chat=", "presence?chat="} {
			targets = append(targets, "/api/"+of+chat)
		}
	}
	seen := map[string]string{}
	for _, target := range targets {
		seen[target] = w.asService(t, "GET", target, "")
	}
	return seen
}

// sameView compares a service's view with the view before.
func (w *world) sameView(t *testing.T, in scene, before map[string]string) {
	t.Helper()
	if in != w.shared { // there is another one, because of an earlier failure
		return
	}
	for target, now := range w.view(t) {
		if now != before[target] {
			t.Errorf("after what was refused GET %s = %s, want %s", target, now, before[target])
		}
	}
}

// codes are the refusals, as the tables write them.
var codes = map[string]string{
	"invalid_argument": "400", "unauthenticated": "401", "token_expired": "exp", "token_invalid": "inv",
	"permission_denied": "403", "not_found": "404", "conflict": "409",
}

// refusal reads the code of an error, "" where there is none.
func refusal(body []byte) string {
	var read struct{ Code, Message string }
	if json.Unmarshal(body, &read) != nil { // a line of plain text
		read.Code, read.Message, _ = strings.Cut(strings.TrimSuffix(string(body), "\n"), ": ")
	}
	return wrong(codes[read.Code], read.Message)
}

// wrong tells a wrong password, which is 401 too, from a request without a token.
func wrong(outcome, message string) string {
	if outcome == "401" && message == "the user or the password is wrong" {
		return "pwd"
	}
	return outcome
}
