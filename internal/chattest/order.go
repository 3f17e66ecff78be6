package chattest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Ordering is a change that keeps order in a room, and the JSON of its notice.
type Ordering struct {
	Change chat.RoomChange
	Notice string // a JSON object without the chat and the send_time
}

// Orderings are all kinds of them, by an admin about a member and a message. They leave the room as it was, without the member.
func Orderings(room, admin, member string, message int64) []Ordering {
	until := time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro()
	about := func(event, text string) string {
		return fmt.Sprintf(`{"type":"notice","event":%q,"sender":%q,"text":%q,"users":[%q]}`, event, admin, admin+text, member)
	}
	of := func(event, text string) string {
		return fmt.Sprintf(`{"type":"notice","event":%q,"sender":%q,"text":%q}`, event, admin, admin+text)
	}
	pin := func(event, text string) string {
		return fmt.Sprintf(`{"type":"notice","event":%q,"sender":%q,"text":%q,"kind":%q,"ref":%d}`, event, admin, admin+text, event, message)
	}
	orderings := []Ordering{
		{chat.RoomChange{Kind: chat.MuteMember, Until: until, Reason: "noise"}, about("muted", " muted "+member+" until 2100-01-02T03:04:05Z")},
		{chat.RoomChange{Kind: chat.UnmuteMember}, about("unmuted", " lifted the mute of "+member)},
		{chat.RoomChange{Kind: chat.BanUser, Reason: "spam"}, about("banned", " banned "+member)},
		{chat.RoomChange{Kind: chat.BanUser, Until: until}, about("banned", " banned "+member+" until 2100-01-02T03:04:05Z")},
		{chat.RoomChange{Kind: chat.UnbanUser}, about("unbanned", " lifted the ban of "+member)},
		{chat.RoomChange{Kind: chat.SlowRoom, SlowMode: 30 * time.Second}, of("slow_mode", " set slow mode: a message in 30s")},
		{chat.RoomChange{Kind: chat.SlowRoom}, of("slow_mode", " ended slow mode")},
		{chat.RoomChange{Kind: chat.AnnounceRoom}, of("announce", " made this a room for announcements: only admins send")},
		{chat.RoomChange{Kind: chat.DiscussRoom}, of("discuss", " lets all members send")},
		{chat.RoomChange{Kind: chat.PinMessage, Ref: message}, pin("pinned", " pinned a message")},
		{chat.RoomChange{Kind: chat.UnpinMessage, Ref: message}, pin("unpinned", " unpinned a message")},
	}
	for i := range orderings {
		c := &orderings[i].Change
		c.Room, c.As = room, admin
		switch c.Kind {
		case chat.MuteMember, chat.UnmuteMember, chat.BanUser, chat.UnbanUser:
			c.Users = []string{member}
		}
	}
	return orderings
}

// Told compares the JSON object of a notice with the expected one, field for field. after is the send_time of the entry
// before it; it returns the notice's.
func (o Ordering) Told(t testing.TB, object []byte, after int64) (sendTime int64) {
	t.Helper()
	var got, want map[string]any
	var at struct {
		SendTime int64 `json:"send_time"`
	}
	for _, err := range []error{json.Unmarshal(object, &got), json.Unmarshal([]byte(o.Notice), &want), json.Unmarshal(object, &at)} {
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
	}
	want["chat"] = o.Change.Room
	delete(got, "send_time")
	if !reflect.DeepEqual(got, want) || at.SendTime <= after {
		t.Errorf("%s is told as %s, want %v with a send_time after %d", o.Change.Kind, object, want, after)
	}
	return at.SendTime
}
