package storage

import (
	"errors"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestUserKeys pins the names: they are in people's Redis. What is written is what is recognised.
func TestUserKeys(t *testing.T) {
	k := newKeys("im", defaultPartitions, 0)
	for _, c := range []struct{ got, want, kind string }{
		{k.account("alice"), "im:u:{alice}:account", accountKey},
		{k.sessions("é.b"), "im:u:{é.b}:sessions", sessionsKey},
		{k.users(), "im:users", usersKey},
		{"im:u:{}:account", "im:u:{}:account", unknownKey},
		{k.chats("alice"), "im:u:{alice}:chats", chatsKey},
		{k.ignored("alice"), "im:u:{alice}:ignored", ignoredKey},
		{k.publicRooms(), "im:rooms", roomsKey},
		{k.look("rnodern"), "im:look:rnodern", lookKey},
		{k.revoked(), "im:revoked", revokedKey},
		{k.looked(), "im:looked", lookedKey},
		{k.look(""), "im:look:", unknownKey},
		{"im:u:{alice}:rooms", "im:u:{alice}:rooms", unknownKey},
		{"im:u:alice:account", "im:u:alice:account", unknownKey},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
		if name, ours := k.parse(c.got); !ours || name.kind != c.kind {
			t.Errorf("parse(%q) = %+v, %v; want kind %q", c.got, name, ours, c.kind)
		}
	}
}

func TestSessionsComeBack(t *testing.T) {
	want := chat.StoredSession{Begun: 1, Expires: 2, Seed: "seed", Current: "current", Previous: "-"}
	if got, err := parseSession(formatSession(want)); err != nil || got != want {
		t.Errorf("parseSession(formatSession(%+v)) = %+v, %v", want, got, err)
	}
	for _, text := range []string{"", "1 2 seed current", "1 2 seed current - more", "x 2 seed current -", "1 x seed current -"} {
		if got, err := parseSession(text); err == nil {
			t.Errorf("parseSession(%q) = %+v, want an error", text, got)
		}
	}
}

// TestWhatARegistrationMayHaveDone is said where it is not known.
func TestWhatARegistrationMayHaveDone(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		code    chat.Code
		unknown bool
	}{
		"never sent":    {dialError(errAway), chat.Unavailable, false},
		"few replicas":  {errFewReplicas, chat.Unavailable, false},
		"few copies":    {errCopies, chat.Unavailable, true},
		"anything else": {errors.New("secret"), chat.Internal, false},
	} {
		e := chat.AsError(registerError("register alice", c.err))
		if e.Code != c.code || strings.Contains(e.Message, "it is unknown whether") != c.unknown || strings.Contains(e.Message, "secret") {
			t.Errorf("registerError(%s) = %v, want %s, unknown %v", name, e, c.code, c.unknown)
		}
	}
}
