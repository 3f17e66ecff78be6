package layout

import (
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// TestKeys pins the names: they are in people's Redis.
func TestKeys(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	for _, c := range []struct{ got, want string }{
		{k.PartitionCount(), "im:partitions"},
		{k.Ready(), "im:ready"},
		{k.Log(chattest.ID(t, "bob:alice")), "im:{45}:log:alice:bob"},
		{appendKeys(k, chattest.ID(t, "bob:alice")), "im:{45}:log:alice:bob im:{45}:ids:alice:bob im:{45}:activity"},
		{k.Log(chattest.ID(t, "room")), "im:{97}:log:room"},
		{k.Read(chattest.ID(t, "bob:alice")), "im:{45}:read:alice:bob"},
		{k.Delivered(chattest.ID(t, "bob:alice")), "im:{45}:delivered:alice:bob"},
		{k.Present(chattest.ID(t, "bob:alice")), "im:{45}:present:alice:bob"},
		{k.Threads(chattest.ID(t, "bob:alice")), "im:{45}:threads:alice:bob"},
		{k.Reactions(chattest.ID(t, "bob:alice")), "im:{45}:reactions:alice:bob"},
		{k.Edits(chattest.ID(t, "bob:alice")), "im:{45}:edits:alice:bob"},
		{k.Room(chattest.ID(t, "room")), "im:{97}:room:room"},
		{k.Members(chattest.ID(t, "room")), "im:{97}:members:room"},
		{k.Restraints(chattest.ID(t, "room")), "im:{97}:restraints:room"},
		{k.Paced(chattest.ID(t, "room")), "im:{97}:paced:room"},
		{k.PublicRooms(), "im:rooms"},
		{k.Activity(k.Partition(chattest.ID(t, "room"))), "im:{97}:activity"},
		{k.Dropped(k.Partition(chattest.ID(t, "room"))), "im:{97}:dropped"},
		{k.Emptied(), "im:emptied"},
		{k.Retention(), "im:retention"},
		{k.Retentions(), "im:retentions"},
		{k.Hints(k.Partition(chattest.ID(t, "room"))), "im:{97}:hints"},
		{k.News(k.Partition(chattest.ID(t, "room"))), "im:{97}:news"},
		{NewKeys("im", DefaultPartitions, 3).Hints("im:{97}"), "im:{97}:hints:3"},
	} {
		if c.got != c.want {
			t.Errorf("key = %q, want %q", c.got, c.want)
		}
	}
}

func appendKeys(k Keys, chatID chat.ID) string {
	log, ids, activity := k.Append(chatID)
	return strings.Join([]string{log, ids, activity}, " ")
}

func TestParseKey(t *testing.T) {
	k := NewKeys("im", DefaultPartitions, 0)
	log, ids, activity := k.Append(chattest.ID(t, "alice:bob"))
	for _, c := range []struct {
		key  string
		want KeyName
		ours bool
	}{
		{k.PartitionCount(), KeyName{Kind: PinKey}, true},
		{k.Ready(), KeyName{Kind: ReadyKey}, true},
		{log, KeyName{Kind: LogKey, Partition: "45", Chat: "alice:bob"}, true},
		{ids, KeyName{Kind: IDsKey, Partition: "45", Chat: "alice:bob"}, true},
		{activity, KeyName{Kind: ActivityKey, Partition: "45"}, true},
		{k.Dropped("im:{45}"), KeyName{Kind: DroppedKey, Partition: "45"}, true},
		{k.Emptied(), KeyName{Kind: EmptiedKey}, true},
		{k.Retentions(), KeyName{Kind: RetentionsKey}, true},
		{k.Webhooks(), KeyName{Kind: WebhooksKey}, true},
		{"im:{45}:log:", KeyName{Kind: LogKey, Partition: "45"}, true},
		{"im:{999}:log:a b", KeyName{Kind: LogKey, Partition: "999", Chat: "a b"}, true},
		{"im:{45}:log", KeyName{}, true},
		{"im:{45}:activity:x", KeyName{}, true},
		{k.Read(chattest.ID(t, "bob:alice")), KeyName{Kind: ReadKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Delivered(chattest.ID(t, "bob:alice")), KeyName{Kind: DeliveredKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Threads(chattest.ID(t, "bob:alice")), KeyName{Kind: ThreadsKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Attachments(chattest.ID(t, "bob:alice")), KeyName{Kind: AttachmentsKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.LookAt("im:{45}"), KeyName{Kind: LookAtKey, Partition: "45"}, true},
		{k.Files("alice"), KeyName{Kind: FilesKey}, true},
		{k.Edits(chattest.ID(t, "bob:alice")), KeyName{Kind: EditsKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Reactions(chattest.ID(t, "bob:alice")), KeyName{Kind: ReactionsKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Present(chattest.ID(t, "bob:alice")), KeyName{Kind: PresentKey, Partition: "45", Chat: "alice:bob"}, true},
		{k.Room(chattest.ID(t, "room")), KeyName{Kind: RoomKey, Partition: "97", Chat: "room"}, true},
		{k.Members(chattest.ID(t, "room")), KeyName{Kind: MembersKey, Partition: "97", Chat: "room"}, true},
		{k.Restraints(chattest.ID(t, "room")), KeyName{Kind: RestraintsKey, Partition: "97", Chat: "room"}, true},
		{k.Paced(chattest.ID(t, "room")), KeyName{Kind: PacedKey, Partition: "97", Chat: "room"}, true},
		{k.PublicRooms(), KeyName{Kind: RoomsKey}, true},
		{"im:{45}:reads:room", KeyName{}, true},
		{"im:{45}:present", KeyName{}, true},
		{"im:{x}:activity", KeyName{}, true},
		{"im:{}:activity", KeyName{}, true},
		{"im:45}:activity", KeyName{}, true},
		{"im:", KeyName{}, true},
		{"im", KeyName{}, false},
		{"imx:{45}:activity", KeyName{}, false},
		{"", KeyName{}, false},
	} {
		if got, ours := k.Parse(c.key); got != c.want || ours != c.ours {
			t.Errorf("Parse(%q) = %+v, %v; want %+v, %v", c.key, got, ours, c.want, c.ours)
		}
	}
}

// FuzzParseIDEntry: every string is a valid entry or an error; the parts of a valid entry compose to it again.
func FuzzParseIDEntry(f *testing.F) {
	f.Add("alice/1")
	f.Add(TextDigest("hi") + "alice/a:b/c")
	f.Add("#1:")
	f.Add("#/")
	f.Fuzz(func(t *testing.T, entry string) {
		digest, owner, err := ParseIDEntry(entry)
		if err == nil && digest+owner != entry {
			t.Errorf("ParseIDEntry(%q) = %q, %q; want its parts", entry, digest, owner)
		}
	})
}

// FuzzParseKey: the parts of a parsed key compose to the key again.
func FuzzParseKey(f *testing.F) {
	k := NewKeys("im", DefaultPartitions, 0)
	f.Add("im:{45}:log:alice:bob")
	f.Add("im:{45}:activity")
	f.Fuzz(func(t *testing.T, key string) {
		name, ours := k.Parse(key)
		again := k.Tag(name.Partition) + ":" + name.Kind
		if name.Kind != ActivityKey && name.Kind != DroppedKey && name.Kind != LookAtKey {
			again += ":" + name.Chat
		}
		if ours && name.Partition != "" && again != key {
			t.Errorf("Parse(%q) = %+v, which is %q", key, name, again)
		}
	})
}
