package chat

import (
	"slices"
	"testing"
)

func TestNoticeTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		notice  Notice
		want    string
		revokes []string // of bob and eve
	}{
		{Notice{Event: RoomCreated}, "ann made this room", []string{"bob", "eve"}},
		{Notice{Event: RoomCreated, Users: []string{"bob", "cid"}}, "ann made this room with bob, cid", []string{"bob", "eve"}},
		{Notice{Event: MemberJoined, Users: []string{"bob"}}, "bob joined", nil},
		{Notice{Event: MemberLeft, Users: []string{"bob"}}, "bob left", []string{"bob"}},
		{Notice{Event: MemberAdded, Users: []string{"bob", "eve"}}, "ann added bob, eve", nil},
		{Notice{Event: MemberRemoved, Users: []string{"bob", "eve"}}, "ann removed bob, eve", []string{"bob", "eve"}},
		{Notice{Event: MemberPromoted, Users: []string{"bob"}}, "ann made bob admin", nil},
		{Notice{Event: MemberDemoted, Users: []string{"bob"}}, "ann made bob a member like others", nil},
		{Notice{Event: HandedOver, Users: []string{"bob"}}, "bob is admin now", nil},
		{Notice{Event: RoomRenamed, Name: "The Club"}, "ann named this room The Club", nil},
		{Notice{Event: RoomRenamed}, "ann took this room's name away", nil},
		{Notice{Event: RoomOpened}, "ann made this room public", nil},
		{Notice{Event: RoomClosed}, "ann made this room private", []string{"bob", "eve"}},
	} {
		m := notice("ann", c.notice)
		if m.Text != c.want || m.Sender != "ann" || m.Notice.Event != c.notice.Event || m.Kind() != KindNotice {
			t.Errorf("notice(ann, %+v) = %+v, want %q", c.notice, m, c.want)
		}
		var revokes []string
		for _, user := range []string{"bob", "eve"} {
			if m.MayRevoke(user) {
				revokes = append(revokes, user)
			}
		}
		if !slices.Equal(revokes, c.revokes) {
			t.Errorf("%q may revoke the access of %v, want %v", m.Text, revokes, c.revokes)
		}
	}
	if plain := (&Message{Sender: "ann", Text: "bob left"}); plain.MayRevoke("bob") {
		t.Error("a message that says that bob left may revoke bob's access")
	}
}

func TestKindsAndHiding(t *testing.T) {
	t.Parallel()
	ignored := map[string]bool{"eve": true}
	for _, c := range []struct {
		message Message
		kind    Kind
		hidden  bool
	}{
		{Message{Sender: "eve"}, KindMessage, true},
		{Message{Sender: "bob"}, KindMessage, false},
		{Message{Sender: "eve", Erased: true}, KindErased, true},
		{Message{Sender: "eve", Notice: &Notice{}}, KindNotice, false},
		{Message{Sender: "eve", Notice: &Notice{}, Erased: true}, KindNotice, false},
	} {
		head := (&Ranged{Messages: []Message{c.message}}).head(0)
		if head.Kind != c.kind || head.Hidden(ignored) != c.hidden || head.Hidden(nil) {
			t.Errorf("head(%+v) = %+v, hidden %v; want kind %d, hidden %v", c.message, head, head.Hidden(ignored), c.kind, c.hidden)
		}
	}
}
