package access

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// sign makes an access token.
func (s *stack) sign(t *testing.T, user, session string, lasts time.Duration) string {
	t.Helper()
	token, err := s.keys.ForUser(user, session, lasts)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// TestRenewal: a connection lasts as long as the newest token that it was given, with all that it watches. A refused
// token changes nothing.
func TestRenewal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.shared.name(member)
	over := random(16)
	w.stack.begin(t, user, over, random(32))
	ends := time.Now().Add(5 * time.Second)
	socket, refused := w.dial(t, w.sign(t, user, sessionID(user), 5*time.Second))
	if socket == nil {
		t.Fatalf("the connection is refused: %v", refused)
	}
	defer func() { _ = socket.CloseNow() }()
	c := conversation{t, socket}
	asks := func(frame, has string) {
		t.Helper()
		c.send(frame)
		if said := c.next(); !strings.Contains(said, has) {
			t.Errorf("%.40s is answered %s, want %s", frame, said, has)
		}
	}
	auth := func(token string) string { return fmt.Sprintf(`{"type":"auth","ref":"a","token":%q}`, token) }
	asks(fmt.Sprintf(`{"type":"watch","chat":"%s:%s","cursor":0}`, user, user), "watching")
	ended := w.sign(t, user, over, time.Hour)
	asks(auth(ended), `{"type":"authenticated","ref":"a"}`)
	if err := w.store.EndSession(t.Context(), user, over); err != nil {
		t.Fatal(err)
	}
	asks(auth(ended), `"ref":"a","code":"token_invalid","message":"this session has ended`)
	asks(auth(w.sign(t, user, sessionID(user), -time.Second)), `"code":"token_expired"`)
	asks(auth(w.sign(t, w.shared.name(admin), sessionID(w.shared.name(admin)), time.Hour)), `"code":"permission_denied"`)
	asks(auth(w.token(t, service, w.shared)), `"code":"permission_denied"`)
	<-time.After(time.Until(ends)) // the end of its first token
	w.say(t, user+":"+user, user, "later")
	if said := c.next(); !strings.Contains(said, `"text":"later"`) {
		t.Errorf("after the first token's end there comes %s, want what was said", said)
	}
	asks(auth(w.sign(t, user, sessionID(user), 4*time.Second)), "authenticated")
	if said := c.next(); !strings.Contains(said, `"code":"token_expired"`) {
		t.Errorf("at the end of the last token there comes %s", said)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, _, err := socket.Read(ctx); err == nil || !strings.Contains(err.Error(), "StatusPolicyViolation") {
		t.Errorf("then the connection ends with %v, want 1008", err)
	}
}
