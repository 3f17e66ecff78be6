package chat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// movingInbox is a list of chats while it is paged.
type movingInbox struct {
	now   int64
	chats map[string]int64 // positions
}

func (m *movingInbox) list(t *rapid.T) []listed {
	m.now++
	chats := make([]listed, 0, len(m.chats))
	for name, position := range m.chats {
		id, err := ParseID(name)
		if err != nil {
			t.Fatal(err)
		}
		chats = append(chats, listed{Newest{Position: position, Read: m.now}, id})
	}
	slices.SortFunc(chats, func(a, b listed) int { return strings.Compare(a.id.String(), b.id.String()) })
	return list{chats: chats}.written()
}

// say has something said in a chat, at a time that may be that of the chat before.
func (m *movingInbox) say(t *rapid.T, name string, gap int64) {
	m.now += rapid.Int64Range(0, gap).Draw(t, "passed")
	m.chats[name] = max(m.now, m.chats[name]+1)
	m.now = max(m.now, m.chats[name])
}

func newMovingInbox(t *rapid.T, gap int64) *movingInbox {
	m := &movingInbox{now: rapid.Int64Range(1, MaxSendTime/4).Draw(t, "began"), chats: map[string]int64{}}
	for i := range rapid.IntRange(0, 30).Draw(t, "chats") {
		m.say(t, fmt.Sprint("room", i), gap)
	}
	return m
}

// disturb has chats move, begin, and leave; the names of those that left are returned.
func (m *movingInbox) disturb(t *rapid.T) (left []string) {
	for range rapid.IntRange(0, 6).Draw(t, "changes") {
		name := fmt.Sprint("room", rapid.IntRange(0, 35).Draw(t, "room"))
		if _, there := m.chats[name]; there && rapid.IntRange(0, 4).Draw(t, "leaves") == 0 {
			delete(m.chats, name)
			left = append(left, name)
			continue
		}
		m.say(t, name, 1_000_000)
	}
	return left
}

// TestInboxPagesLoseNothing: a chat that is in the list from the first page to the last is on one of them, wherever it and
// others move meanwhile, and reading ends when the moving does.
func TestInboxPagesLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMovingInbox(t, 1<<rapid.IntRange(0, 36).Draw(t, "log of the gap"))
		stays := map[string]bool{}
		for name := range m.chats {
			stays[name] = true
		}
		shown := map[string]bool{}
		cursor, rounds := int64(0), rapid.IntRange(0, 10).Draw(t, "disturbed")
		for page := 0; ; page++ {
			limit := rapid.IntRange(1, 6).Draw(t, "limit")
			chats, next := pageOf(m.list(t), cursor, limit)
			for _, c := range chats {
				shown[c.id.String()] = true
			}
			if next == 0 {
				break
			}
			if next < 0 || next > MaxCursor {
				t.Fatalf("page %d has the cursor %d", page, next)
			}
			if cursor = next; page < rounds {
				for _, name := range m.disturb(t) {
					delete(stays, name)
				}
			}
			if page > rounds+200 {
				t.Fatal("the pages do not end")
			}
		}
		for name := range stays {
			if !shown[name] {
				t.Fatalf("%s was in the list all the time and on no page", name)
			}
		}
	})
}

// TestInboxPagesOfAQuietList: each chat comes once, in its order, and no page is longer than it may be but for chats of one
// position; also from a position on, which earlier releases gave as the cursor.
func TestInboxPagesOfAQuietList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMovingInbox(t, 1<<rapid.IntRange(0, 36).Draw(t, "log of the gap"))
		want, limit := m.list(t), rapid.IntRange(1, 7).Draw(t, "limit")
		cursor := int64(0)
		if len(want) > 0 && rapid.Bool().Draw(t, "old") {
			want = want[rapid.IntRange(0, len(want)-1).Draw(t, "from"):]
			cursor = want[0].Position
			want = slices.DeleteFunc(m.list(t), func(c listed) bool { return c.Position > cursor })
		}
		var got []listed
		for {
			page, next := pageOf(m.list(t), cursor, limit)
			if len(page) > limit && page[limit-1].Position != page[len(page)-1].Position {
				t.Fatalf("a page of %d has %d chats", limit, len(page))
			}
			got = append(got, page...)
			if next == 0 {
				break
			}
			cursor = next
		}
		if !slices.EqualFunc(got, want, func(a, b listed) bool { return a.id == b.id }) {
			t.Fatalf("the pages have %v, want %v", got, want)
		}
	})
}

// TestInboxPageReadOneByOne: a chat that moves after it was read, and below another one that is read later, is not lost.
func TestInboxPageReadOneByOne(t *testing.T) {
	t.Parallel()
	chat := func(name string, position, read int64) listed {
		return listed{Newest{Position: position, Read: read}, ID{name}}
	}
	// "first" is read at 100, where it stands at 10; it moves to 101; "second" moves to 102 and is read at 103.
	page, next := pageOf([]listed{chat("second", 102, 103), chat("quiet", 20, 100), chat("first", 10, 100)}, 0, 2)
	if len(page) != 2 || next == 0 {
		t.Fatalf("the first page = %v, %d", page, next)
	}
	var shown []string
	for next != 0 {
		page, next = pageOf([]listed{chat("second", 102, 104), chat("first", 101, 104), chat("quiet", 20, 104)}, next, 2)
		for _, c := range page {
			shown = append(shown, c.id.String())
		}
	}
	if !slices.Contains(shown, "first") {
		t.Errorf("the further pages have %v, and not the one that moved", shown)
	}
}

// TestInboxPagesOfVeryMany: where a cursor cannot say how many are left it is a position, and every chat comes once.
func TestInboxPagesOfVeryMany(t *testing.T) {
	t.Parallel()
	chats := make([]listed, manyLeft+10)
	for i := range chats {
		chats[i] = listed{Newest{Position: int64(len(chats) - i), Read: 1 << 40}, ID{fmt.Sprint(i)}}
	}
	var got []listed
	for cursor := int64(0); ; {
		page, next := pageOf(chats, cursor, 7)
		got = append(got, page...)
		if next == 0 {
			break
		}
		cursor = next
	}
	if !slices.EqualFunc(got, chats, func(a, b listed) bool { return cmp.Compare(a.Position, b.Position) == 0 }) {
		t.Errorf("the pages have %d chats, want each of the %d once", len(got), len(chats))
	}
}
