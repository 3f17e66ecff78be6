package layout

import "testing"

// TestUserKeys pins the names: they are in operators' Redis. Written keys are recognised.
func TestUserKeys(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	for _, c := range []struct{ got, want, kind string }{
		{k.Account("alice"), "im:u:{alice}:account", AccountKey},
		{k.Sessions("é.b"), "im:u:{é.b}:sessions", SessionsKey},
		{k.Users(), "im:users", UsersKey},
		{"im:u:{}:account", "im:u:{}:account", unknownKey},
		{k.Chats("alice"), "im:u:{alice}:chats", ChatsKey},
		{k.Ignored("alice"), "im:u:{alice}:ignored", IgnoredKey},
		{k.PublicRooms(), "im:rooms", RoomsKey},
		{k.Spent("alice"), "im:u:{alice}:spent", SpentKey},
		{k.Seen("alice"), "im:u:{alice}:seen", SeenKey},
		{k.Deletions(), "im:deletions", DeletionsKey},
		{k.Look("rnodern"), "im:look:rnodern", LookKey},
		{k.Revoked(), "im:revoked", RevokedKey},
		{k.Looked(), "im:looked", LookedKey},
		{k.Look(""), "im:look:", unknownKey},
		{"im:u:{alice}:rooms", "im:u:{alice}:rooms", unknownKey},
		{"im:u:alice:account", "im:u:alice:account", unknownKey},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
		if name, ours := k.Parse(c.got); !ours || name.Kind != c.kind {
			t.Errorf("Parse(%q) = %+v, %v; want kind %q", c.got, name, ours, c.kind)
		}
	}
}
