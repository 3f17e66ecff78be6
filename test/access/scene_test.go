package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	passwords "github.com/pullchat/pullchat/rpc-server/password"
)

// What is said in private. It is in no answer to who may not know of it.
const (
	inRoom = "SECRET of the room"
	inPair = "SECRET of two"
	// toOutsiders is said in a chat of each of those outside, where they wait for it.
	toOutsiders = "for outsiders"
	password    = "correct-horse"
)

// scene is people, a private room with those who are in it, and the two-person chat of its admin and a member. The names
// end with the scene's number, but for those of the scene that all share.
type scene struct{ suffix string }

func (s scene) room() string { return "den" + s.suffix }

func (s scene) pair() string { return s.name(admin) + ":" + s.name(member) }

// name is the user whose token a caller has.
func (s scene) name(c caller) string {
	name := map[caller]string{other: "mia", stranger: "sue", ousted: "otto", member: "max", service: "worker"}[c]
	if name == "" {
		name = "ada"
	}
	return name + s.suffix
}

// acts is the user for whom a caller makes a request that names one.
func (s scene) acts(c caller) string {
	if c == other || c == service {
		return s.name(member)
	}
	return s.name(c)
}

// setUp makes the room and the chats. Nobody has read what is said in them but who says it.
func (s *stack) setUp(t *testing.T, in scene) {
	t.Helper()
	s.asService(t, "POST", "/api/rooms?as="+in.name(admin), fmt.Sprintf(
		`{"id":%q,"name":%q,"users":[%q,%q,%q]}`, in.room(), inRoom, in.name(member), in.name(other), in.name(ousted)))
	s.asService(t, "DELETE", "/api/rooms/"+in.room()+"/members/"+in.name(ousted)+"?as="+in.name(admin), "")
	s.say(t, in.room(), in.name(other), inRoom)
	s.say(t, in.pair(), in.name(member), inPair)
	for _, c := range []caller{stranger, ousted} {
		s.say(t, "zed:"+in.name(c), "zed", toOutsiders)
	}
}

func (s *stack) say(t *testing.T, where, sender, text string) {
	t.Helper()
	s.asService(t, "POST", "/api/send", fmt.Sprintf(`{"chat":%q,"sender":%q,"text":%q}`, where, sender, text))
}

// register makes an account, in Redis itself and with one hash for all: hashes are slow on purpose.
func (s *stack) register(t *testing.T, user string) {
	t.Helper()
	hash, err := hashed()
	if err == nil {
		_, err = s.store.AddAccount(t.Context(), chat.StoredAccount{Account: chat.Account{User: user}, PasswordHash: hash})
	}
	if err != nil {
		t.Fatalf("register %s: %v", user, err)
	}
}

var hashed = sync.OnceValues(func() (string, error) {
	return passwords.New().Hash(context.Background(), password)
})

// token is what a caller shows; "" is nothing.
func (s *stack) token(t *testing.T, c caller, in scene) string {
	t.Helper()
	var signed string
	var err error
	switch c {
	case nobody:
		return ""
	case service:
		signed, err = s.keys.ForService(in.name(c), time.Hour)
	case expired:
		signed, err = s.keys.ForUser(in.name(c), session(), -time.Second)
	default:
		signed, err = s.keys.ForUser(in.name(c), session(), time.Hour)
	}
	if err != nil {
		t.Fatal(err)
	}
	switch c {
	case forged:
		head, claims, _ := parts(t, signed)
		mac := hmac.New(sha256.New, []byte("another secret, of 32 bytes too."))
		mac.Write([]byte(head + "." + claims))
		return head + "." + claims + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	case unsigned:
		head, claims, _ := parts(t, signed)
		says := map[string]any{}
		read, _ := base64.RawURLEncoding.DecodeString(head)
		if err := json.Unmarshal(read, &says); err != nil {
			t.Fatal(err)
		}
		says["alg"] = "none"
		none, _ := json.Marshal(says)
		return base64.RawURLEncoding.EncodeToString(none) + "." + claims + "."
	}
	return signed
}

func parts(t *testing.T, token string) (head, claims, signature string) {
	t.Helper()
	all := strings.Split(token, ".")
	if len(all) != 3 {
		t.Fatalf("token %q has %d parts, want three", token, len(all))
	}
	return all[0], all[1], all[2]
}

// session is the id of a login that nobody has made.
func session() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// fill fills in a request. {me} is the user for whom the caller acts.
func (w *world) fill(t *testing.T, request string, in scene, by caller) string {
	t.Helper()
	w.made++
	filled := strings.NewReplacer(
		"{room}", in.room(), "{pair}", in.pair(), "{turned}", in.name(member)+":"+in.name(admin),
		"{me}", in.acts(by), "{member}", in.name(member), "{admin}", in.name(admin),
		"{new}", fmt.Sprintf("new%d", w.made), "{password}", password, "{session}", session(),
	).Replace(request)
	if strings.Contains(filled, "{refresh}") {
		filled = strings.ReplaceAll(filled, "{refresh}", w.refreshToken(t, in.acts(by)))
	}
	return filled
}

// refreshToken is a user's latest. She logs in once: passwords are slow on purpose.
func (w *world) refreshToken(t *testing.T, user string) string {
	t.Helper()
	if w.refresh[user] == "" {
		w.keep(w.asService(t, "POST", "/api/login", fmt.Sprintf(`{"user":%q,"password":%q}`, user, password)))
	}
	return w.refresh[user]
}

// keep keeps the refresh token that is in an answer, if one is.
func (w *world) keep(answer string) {
	type session struct {
		User         string
		Refresh      string `json:"refresh_token"`
		RefreshToken string // in RPC
	}
	var told struct {
		session

		Session session
	}
	_ = json.Unmarshal([]byte(answer), &told)
	for _, s := range []session{told.session, told.Session} {
		if s.User != "" && s.Refresh+s.RefreshToken != "" {
			w.refresh[s.User] = s.Refresh + s.RefreshToken
		}
	}
}
