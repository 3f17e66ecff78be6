package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Private messages. They are in no answer to a caller without access.
const (
	inRoom = "SECRET of the room"
	inPair = "SECRET of two"
	// toOutsiders is said in a chat of each of those outside, where they wait for it.
	toOutsiders = "for outsiders"
)

// scene is people, a private room with those who are in it, and the two-person chat of its admin and a member. The names
// end with the scene's number, but for those of the scene that all share.
type scene struct{ suffix string }

func (s scene) room() string { return "den" + s.suffix }

func (s scene) pair() string { return s.name(admin) + ":" + s.name(member) }

// device is the admin's, and has asked something.
func (s scene) device() string { return "sensor" + s.suffix }

// name is the user whose token a caller has.
func (s scene) name(c caller) string {
	name := map[caller]string{other: "mia", stranger: "sue", removed: "otto", member: "max", service: "worker"}[c]
	if name == "" {
		name = "ada"
	}
	return name + s.suffix
}

// acts is the acting user of a caller's request that names one.
func (s scene) acts(c caller) string {
	if c == other || c == service {
		return s.name(member)
	}
	return s.name(c)
}

// setUp makes the room and the chats. Only the senders have read their own messages.
func (s *stack) setUp(t *testing.T, in scene) {
	t.Helper()
	s.asService(t, "POST", "/api/rooms?as="+in.name(admin), fmt.Sprintf(
		`{"id":%q,"name":%q,"users":[%q,%q,%q]}`, in.room(), inRoom, in.name(member), in.name(other), in.name(removed)))
	s.asService(t, "DELETE", "/api/rooms/"+in.room()+"/members/"+in.name(removed)+"?as="+in.name(admin), "")
	s.attach(t, in.room(), in.name(other), in.file())
	s.say(t, in.room(), in.name(other), inRoom)
	s.say(t, in.pair(), in.name(member), inPair)
	s.asService(t, "POST", "/api/rooms?as="+in.name(admin), fmt.Sprintf(`{"id":"device.%s"}`, in.device()))
	s.say(t, "device."+in.device(), in.name(admin), `{"kind":"request","action":"measure","uid":"q7","connection":"c"}`)
	for _, c := range []caller{stranger, removed} {
		s.say(t, "zed:"+in.name(c), "zed", toOutsiders)
	}
}

// file is an attachment in the room.
func (s scene) file() string { return "file" + s.suffix }

// attach sends a message with a file.
func (s *stack) attach(t *testing.T, where, sender, file string) {
	t.Helper()
	id, err := chat.ParseID(where)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	a := chat.Attachment{
		ID: file, Sender: sender, Name: "a.png", Bytes: 1, Type: "image/png", State: chat.AttachmentConfirmed, Created: now.UnixMicro(),
	}
	if err := s.store.AddAttachment(t.Context(), chat.AttachmentRef{Chat: id, ID: file}, a, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	s.asService(t, "POST", "/api/send", fmt.Sprintf(
		`{"chat":%q,"sender":%q,"text":"a file","content_type":"file","body":{"attachment":%q}}`, where, sender, file))
}

func (s *stack) say(t *testing.T, where, sender, text string) {
	t.Helper()
	s.asService(t, "POST", "/api/send", fmt.Sprintf(`{"chat":%q,"sender":%q,"text":%q}`, where, sender, text))
}

// password is that of all people, and passwordHash a hash of it that is quickly compared. "pwd" in the tables is the
// outcome of another password.
const (
	password     = "correct horse"
	passwordHash = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$8jCjveL9purNVvxZWhjl0nULgTWD4Roxh/u/NFFSew0"
)

// register makes an account, in Redis itself.
func (s *stack) register(t *testing.T, user string) {
	t.Helper()
	account := chat.StoredAccount{Account: chat.Account{User: user}, PasswordHash: passwordHash}
	if _, err := s.store.AddAccount(t.Context(), account); err != nil {
		t.Fatalf("register %s: %v", user, err)
	}
	s.begin(t, user, sessionID(user), random(32))
}

// sessionID is that of the session which a user's tokens are of.
func sessionID(user string) string {
	sum := sha256.Sum256([]byte(user))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// refreshToken is that of a new session of a user who has an account, which is made in Redis itself.
func (s *stack) refreshToken(t *testing.T, user string) string {
	t.Helper()
	id, secret := random(16), random(32)
	s.begin(t, user, id, secret)
	return user + "." + id + "." + secret
}

// begin begins a session of a user who has an account, in Redis itself.
func (s *stack) begin(t *testing.T, user, id, secret string) {
	t.Helper()
	used := sha256.Sum256([]byte(secret))
	kept := chat.StoredSession{
		Begun: time.Now().UnixMilli(), Expires: time.Now().Add(time.Hour).UnixMilli(),
		Seed: random(32), Current: base64.RawURLEncoding.EncodeToString(used[:]), Previous: "-",
	}
	if added, err := s.store.AddSession(t.Context(), user, passwordHash, id, kept, chat.MaxSessions); err != nil || !added {
		t.Fatalf("AddSession(%s) = %v, %v", user, added, err)
	}
}

// random returns bytes in base64url, as the ids of sessions and the secrets of refresh tokens are.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// token is the caller's token; "" is none.
func (s *stack) token(t *testing.T, c caller, in scene) string {
	t.Helper()
	var signed string
	var err error
	switch c {
	case anonymous:
		return ""
	case service:
		signed, err = s.keys.ForService(in.name(c), time.Hour)
	case expired:
		signed, err = s.keys.ForUser(in.name(c), random(16), -time.Second)
	default:
		signed, err = s.keys.ForUser(in.name(c), sessionID(in.name(c)), time.Hour)
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

// fill fills in a request. {me} is the caller's acting user.
func (w *world) fill(t *testing.T, request string, in scene, by caller) string {
	t.Helper()
	w.made++
	filled := strings.NewReplacer(
		"{room}", in.room(), "{pair}", in.pair(), "{turned}", in.name(member)+":"+in.name(admin),
		"{device}", in.device(), "{file}", in.file(), "{me}", in.acts(by), "{member}", in.name(member), "{admin}", in.name(admin),
		"{new}", fmt.Sprintf("new%d", w.made), "{session}", random(16),
	).Replace(request)
	if strings.Contains(filled, "{token}") {
		filled = strings.ReplaceAll(filled, "{token}", w.sign(t, in.acts(by), sessionID(in.acts(by)), time.Hour))
	}
	if strings.Contains(filled, "{refresh}") {
		filled = strings.ReplaceAll(filled, "{refresh}", w.refreshToken(t, in.acts(by)))
	}
	if strings.Contains(filled, "{said}") {
		filled = strings.ReplaceAll(filled, "{said}", w.position(t, in.room(), inRoom))
	}
	if strings.Contains(filled, "{pairs}") {
		filled = strings.ReplaceAll(filled, "{pairs}", w.position(t, in.pair(), inPair))
	}
	if strings.Contains(filled, "{hook}") {
		filled = strings.ReplaceAll(filled, "{hook}", w.hook(t, in))
	}
	return filled
}

// position returns the send_time of the message with a text, which must be there.
func (w *world) position(t *testing.T, where, text string) string {
	t.Helper()
	id, err := chat.ParseID(where)
	if err != nil {
		t.Fatal(err)
	}
	read := w.store.Range(t.Context(), []chat.Range{{Chat: id, Limit: 100}})[0]
	for _, m := range read.Messages {
		if m.Text == text {
			return strconv.FormatInt(m.SendTime, 10)
		}
	}
	t.Fatalf("no message of %s is %q: %v", where, text, read.Err)
	return ""
}

// hook returns the admin's webhook of a scene, and makes it if it is not there.
func (w *world) hook(t *testing.T, in scene) string {
	t.Helper()
	if w.hooks[in] == "" {
		made, err := w.webhooks.CreateWebhook(
			chat.WithCaller(t.Context(), chat.Caller{User: in.name(admin)}), chat.NewWebhook{URL: "https://example.org", Chats: []string{in.room()}})
		if err != nil {
			t.Fatal(err)
		}
		w.hooks[in] = made.ID
	}
	return w.hooks[in]
}
