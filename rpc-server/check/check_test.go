package check

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/longtest"
	"github.com/pullchat/pullchat/internal/redistest"
	"github.com/pullchat/pullchat/rpc-server/layout"
	"github.com/pullchat/pullchat/rpc-server/storage"
)

func TestCheckOfSoundChats(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for _, c := range []struct {
		name    string
		options storage.Options
		then    func(*checked)
		want    Report
	}{
		{
			name: "as it was stored",
			want: Report{Complete: true, Chats: 2, Messages: 13, IDs: 8},
		},
		{
			name: "trimmed by number, with earlier texts", options: storage.Options{MaxChatMessages: 2},
			then: func(c *checked) {
				for _, m := range c.sent {
					c.earlier(m.SendTime, m.SendTime, "earlier")
				}
			},
			want: Report{Complete: true, Chats: 2, Messages: 4, IDs: 8},
		},
		{
			name: "expired", options: storage.Options{Retention: time.Hour},
			then: func(c *checked) {
				c.do("del", c.log())
				c.earlier(c.sent[3].SendTime, c.sent[3].SendTime, "earlier")
			},
			want: Report{Complete: true, Chats: 1, Emptied: 1, Messages: 3, IDs: 8},
		},
		{
			name: "readers, and who is present",
			then: func(c *checked) {
				c.do("hset", c.layout.Read(chattest.ID(c.t, "alice:bob")), "bob/phone", 7)
				c.do("zadd", c.layout.Present(chattest.ID(c.t, "empty")), 7, "alice g")
			},
			want: Report{Complete: true, Chats: 2, Messages: 13, IDs: 8},
		},
		{
			name: "unknown keys",
			then: func(c *checked) {
				c.do("set", c.layout.Prefix+":{1}:future:room", 1)
				c.do("set", c.layout.Prefix+":\x1b[2J", 1)
			},
			want: Report{Complete: true, Chats: 2, Messages: 13, IDs: 8, Unknown: KeyCount{Count: 2}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			filled := fillChecked(t, redis.URL(), c.options)
			if c.then != nil {
				c.then(filled)
			}
			for _, size := range []int{2, 3, 5, 500} {
				got := filled.check(Options{PageSize: size})
				if len(got.Faults) > 0 || got.Bytes == 0 {
					t.Errorf("check in pages of %d found %+v, %d bytes; want no fault", size, got.Faults, got.Bytes)
				}
				if len(got.Unknown.Examples) != int(got.Unknown.Count) || slices.ContainsFunc(got.Unknown.Examples, func(k string) bool { return k != printable(k) && k[0] != '"' }) {
					t.Errorf("unknown keys = %q, want all of them, printable", got.Unknown.Examples)
				}
				got.Faults, got.Bytes, got.Unknown.Examples = nil, 0, nil
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("check in pages of %d = %+v, want %+v", size, got, c.want)
				}
			}
		})
	}
}

// TestCheckNamesTheFault breaks one invariant at a time.
func TestCheckNamesTheFault(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	for _, c := range []struct {
		name  string
		broke func(*checked)
		want  FaultKind
		count int64
		left  int64 // after a repair
	}{
		{"no pin", func(c *checked) { c.do("del", c.layout.PartitionCount()) }, FaultPartitions, 1, 1},
		{"another pin", func(c *checked) { c.do("set", c.layout.PartitionCount(), 16) }, FaultPartitions, 1, 1},
		{"pin of another type", func(c *checked) {
			c.do("del", c.layout.PartitionCount())
			c.do("rpush", c.layout.PartitionCount(), 256)
		}, FaultType, 1, 1},
		{"ready of another type", func(c *checked) { c.do("rpush", c.layout.Ready(), 1) }, FaultType, 1, 1},
		{"log of another type", func(c *checked) {
			c.do("del", c.log())
			c.do("rpush", c.log(), 1)
		}, FaultType, 1, 1},
		{"ids of another type", func(c *checked) {
			c.do("del", c.ids())
			c.do("set", c.ids(), 1)
		}, FaultType, 1, 1},
		{"activity of another type", func(c *checked) {
			c.do("del", c.activity())
			c.do("set", c.activity(), 1)
		}, FaultType, 1, 1},
		{"readers of another type", func(c *checked) { c.do("set", c.layout.Read(chattest.ID(c.t, "room")), 1) }, FaultType, 1, 1},
		{"presence of another type", func(c *checked) { c.do("set", c.layout.Present(chattest.ID(c.t, "room")), 1) }, FaultType, 1, 1},
		{"readers of a chat that is none", func(c *checked) { c.do("hset", c.layout.Tag("1")+":read:a b", "x", 1) }, FaultChatID, 1, 1},
		{"presence in another partition", func(c *checked) {
			c.do("zadd", c.layout.Tag("46")+":present:alice:bob", 1, "alice g")
		}, FaultPartition, 1, 1},
		{"chat id not canonical", func(c *checked) {
			c.do("zadd", c.layout.Partition(chattest.ID(c.t, "bob:alice"))+":log:bob:alice", 1, "0000000000000001")
		}, FaultChatID, 1, 1},
		{"chat id that is none", func(c *checked) { c.do("set", c.layout.Tag("1")+":ids:a b", 1) }, FaultChatID, 1, 1},
		{"activity of a chat that is none", func(c *checked) { c.do("zadd", c.activity(), 7, "a:b:c") }, FaultChatID, 1, 1},
		{"activity not canonical", func(c *checked) { c.do("zadd", c.activity(), 7, "bob:alice") }, FaultChatID, 1, 1},
		{"log in another partition", func(c *checked) {
			c.do("rename", c.log(), c.layout.Tag("46")+":log:alice:bob")
		}, FaultPartition, 1, 1},
		{"ids in another partition", func(c *checked) {
			c.do("zadd", c.layout.Tag("46")+":ids:alice:bob", 1, "alice/1")
		}, FaultPartition, 1, 1},
		{"activity in another partition", func(c *checked) {
			c.do("zadd", c.layout.Tag("46")+":activity", 7, "alice:bob")
		}, FaultPartition, 1, 1},
		{"partition that does not exist", func(c *checked) {
			c.do("zadd", c.layout.Tag("256")+":activity", 7, "alice:bob")
		}, FaultPartition, 1, 1},
		{"partition with a zero in front", func(c *checked) {
			c.do("zadd", c.layout.Tag("045")+":log:alice:bob", 7, "x")
		}, FaultPartition, 1, 1},
		{"member that is too short", func(c *checked) { c.do("zadd", c.log(), c.sent[3].SendTime-1, "x") }, FaultLogMember, 1, 1},
		{"member that is no message", func(c *checked) {
			at := c.sent[3].SendTime - 1
			c.do("zadd", c.log(), at, fmt.Sprintf("%016d not a message", at))
		}, FaultLogMember, 1, 1},
		{"score beside the digits", func(c *checked) {
			c.do("zadd", c.log(), c.sent[3].SendTime-1, member(c.sent[3].SendTime, chat.Message{Text: "x", Sender: "bob"}))
		}, FaultLogScore, 1, 1},
		{"score above all", func(c *checked) {
			c.do("zadd", c.log(), "inf", member(c.sent[3].SendTime, chat.Message{Text: "x", Sender: "bob"}))
		}, FaultLogScore, 1, 1},
		{"score that is no number of microseconds", func(c *checked) {
			c.do("zadd", c.log(), "5.5", member(5, chat.Message{Text: "x", Sender: "bob"}))
		}, FaultLogScore, 1, 1},
		{"two at one position", func(c *checked) {
			c.do("zadd", c.log(), c.sent[3].SendTime, member(c.sent[3].SendTime, chat.Message{Text: "x", Sender: "bob"}))
		}, FaultLogShared, 1, 1},
		{"more than a page at one position", func(c *checked) {
			for i := range 9 {
				c.do("zadd", c.log(), c.sent[3].SendTime, member(c.sent[3].SendTime, chat.Message{Text: fmt.Sprint("x", i), Sender: "bob"}))
			}
		}, FaultLogShared, 9, 9},
		{"sender who is none of the two", func(c *checked) {
			at := c.sent[3].SendTime - 1
			c.do("zadd", c.log(), at, member(at, chat.Message{Text: "x", Sender: "carol"}))
		}, FaultLogSender, 1, 1},
		{"activity missing", func(c *checked) { c.do("zrem", c.activity(), "alice:bob") }, FaultActivityMissing, 1, 0},
		{"activity lower", func(c *checked) { c.do("zincrby", c.activity(), -1, "alice:bob") }, FaultActivityLow, 1, 0},
		{"activity higher", func(c *checked) { c.do("zincrby", c.activity(), 1, "alice:bob") }, FaultActivityHigh, 1, 1},
		{"activity between positions", func(c *checked) {
			room := chattest.ID(c.t, "gone")
			c.do("zadd", c.layout.Partition(room)+":activity", "7.5", "gone")
		}, FaultActivityScore, 1, 1},
		{"ids with an entry that is none", func(c *checked) { c.do("zadd", c.ids(), c.sent[3].SendTime, "alice") }, FaultIDsEntry, 1, 1},
		{"ids between positions", func(c *checked) { c.do("zadd", c.ids(), "7.5", "alice/7") }, FaultIDsEntry, 1, 1},
		{"ids pointing nowhere", func(c *checked) { c.do("zadd", c.ids(), c.sent[3].SendTime-1, "alice/7") }, FaultIDsLost, 1, 1},
		{"ids pointing past the end", func(c *checked) {
			c.do("zadd", c.ids(), c.sent[9].SendTime+1, "alice/7", c.sent[9].SendTime+1, layout.TextDigest("x")+"alice/7")
		}, FaultIDsLost, 1, 1},
		{"ids pointing at another message", func(c *checked) { c.do("zadd", c.ids(), c.sent[3].SendTime, "alice/7") }, FaultIDsWrong, 1, 1},
		{"ids with another digest", func(c *checked) {
			c.do("zadd", c.ids(), c.sent[2].SendTime, layout.TextDigest("x")+layout.IDEntry("alice", "id/2"))
		}, FaultIDsWrong, 1, 1},
		{"ids of a trimmed message without digest", func(c *checked) { c.do("zadd", c.ids(), 7, "alice/7") }, FaultIDsTwin, 1, 1},
		{"ids of a trimmed message with a digest only", func(c *checked) { c.do("zadd", c.ids(), 7, "#1:alice/7") }, FaultIDsTwin, 1, 1},
		{"id missing", func(c *checked) {
			owner := layout.IDEntry("alice", "id/2")
			c.do("zrem", c.ids(), owner, layout.TextDigest("text 2")+owner)
		}, FaultIDsMissing, 1, 0},
		{"id missing without its digest", func(c *checked) { c.do("zrem", c.ids(), layout.IDEntry("alice", "id/2")) }, FaultIDsMissing, 1, 0},
		{"digest missing", func(c *checked) {
			c.do("zrem", c.ids(), layout.TextDigest("text 2")+layout.IDEntry("alice", "id/2"))
		}, FaultIDsMissing, 1, 0},
		{"all ids missing", func(c *checked) { c.do("del", c.ids()) }, FaultIDsMissing, 5, 0},
		{"id stored twice", func(c *checked) {
			at := c.sent[3].SendTime - 1
			c.do("zadd", c.log(), at, member(at, chat.Message{Text: "text 2", Sender: "alice", ID: "id/2"}))
		}, FaultIDRepeated, 1, 1},
		{"a reaction that no user has", func(c *checked) {
			at := c.sent[3].SendTime - 1
			m := chat.Message{Text: "x", Sender: "bob", State: &chat.State{Reactions: []chat.Reaction{
				{Emoji: "👍", Count: 1, Users: []string{"bob"}}, {Emoji: "🎉", Count: 2, Users: []string{"alice", "bob"}},
			}}}
			c.do("zadd", c.log(), at, member(at, m))
			c.do("zadd", c.layout.Reactions(chattest.ID(c.t, "alice:bob")), layout.ReactionScore,
				layout.ReactionEntry(chat.Reacting{Ref: at, Emoji: "👍", User: "bob"}))
		}, FaultReactions, 1, 1},
		{"earlier texts of a deleted message", func(c *checked) {
			at := c.sent[3].SendTime - 1
			c.do("zadd", c.log(), at, member(at, chat.Message{Sender: "bob", Erased: true, State: &chat.State{Deleted: at + 1}}))
			c.earlier(at, at, "secret 1")
			c.earlier(at, at+1, "secret 2")
		}, FaultVersions, 1, 1},
		{"earlier texts of no message", func(c *checked) {
			c.earlier(c.sent[3].SendTime-1, c.sent[3].SendTime-1, "secret")
			c.earlier(c.sent[9].SendTime+1, c.sent[9].SendTime+1, "secret")
		}, FaultVersions, 2, 2},
		{"earlier texts of a notice", func(c *checked) {
			at := c.sent[3].SendTime - 1
			c.do("zadd", c.log(), at, member(at, chat.Message{Sender: "bob", Notice: &chat.Notice{Event: chat.MessageDeleted, Ref: c.sent[1].SendTime}}))
			c.earlier(at, at, "secret")
		}, FaultVersions, 1, 1},
		{"earlier texts that cannot be read", func(c *checked) {
			c.do("zadd", c.edits(), 0, "secret", 0, layout.VersionEntry(c.sent[3].SendTime, chat.Version{SendTime: 7, Text: "secret"}))
			c.do("zadd", c.edits(), 1, layout.VersionEntry(c.sent[3].SendTime, chat.Version{SendTime: c.sent[3].SendTime, Text: "secret"}))
		}, FaultVersions, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			filled := fillChecked(t, redis.URL(), storage.Options{})
			c.broke(filled)
			want := map[FaultKind]int64{c.want: c.count}
			before := filled.dump()
			for _, size := range []int{4, 500} {
				if got := filled.check(Options{PageSize: size}); !reflect.DeepEqual(kinds(got), want) {
					t.Fatalf("check in pages of %d found %+v, want %v", size, got.Faults, want)
				}
			}
			if after := filled.dump(); !reflect.DeepEqual(after, before) {
				t.Errorf("check without repair wrote: %v, before it was %v", after, before)
			}
			repaired := filled.check(Options{Repair: true})
			if !reflect.DeepEqual(kinds(repaired), want) || repaired.Left() != c.left || c.want.Repairable() != (c.left == 0) {
				t.Errorf("repair found %+v, %d left; want %v, %d left", repaired.Faults, repaired.Left(), want, c.left)
			}
			if c.left > 0 {
				if after := filled.dump(); !reflect.DeepEqual(after, before) {
					t.Errorf("repair wrote where nothing is safe: %v, before it was %v", after, before)
				}
				return
			}
			if got := filled.check(Options{}); len(got.Faults) > 0 {
				t.Errorf("check after the repair found %+v, want nothing", got.Faults)
			}
			filled.sendAgain()
		})
	}
}

func TestRepairNeedsMoveBack(t *testing.T) {
	checker, err := Open("redis://127.0.0.1:1", Options{Repair: true})
	if err == nil {
		_ = checker.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "MoveBack") {
		t.Errorf("Open() of a check that repairs without MoveBack = %v, want an error that names it", err)
	}
}

// TestCheckOfAnEmptyRedis: a Redis that no server has used is sound.
func TestCheckOfAnEmptyRedis(t *testing.T) {
	t.Parallel()
	checker, err := Open(redistest.Start(t).URL(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checker.Close() }()
	if err := checker.Run(context.Background()); err != nil || checker.Report().Found() != 0 || !checker.Report().Complete {
		t.Errorf("Run() = %v, report %+v; want a complete one without faults", err, checker.Report())
	}
}

// TestRepairWhileOthersAppend: a repair that comes too late changes nothing.
func TestRepairWhileOthersAppend(t *testing.T) {
	t.Parallel()
	c := fillChecked(t, redistest.Start(t).URL(), storage.Options{})
	owner := layout.IDEntry("alice", "id/2")
	c.do("zrem", c.ids(), owner, layout.TextDigest("text 2")+owner)
	c.do("zrem", c.activity(), "alice:bob")
	checker := c.checker(Options{Repair: true})
	under, _, err := checker.look(context.Background(), chattest.ID(t, "alice:bob"))
	if err != nil {
		t.Fatal(err)
	}
	activity, err := checker.judgeActivity(context.Background(), under)
	if err != nil || len(activity) != 1 {
		t.Fatalf("judgeActivity() = %v, %v; want one finding", activity, err)
	}
	c.send(chat.Message{Text: "text 2", Sender: "alice", ID: "id/2"}) // a new message: its id was forgotten
	last := float64(c.sent[10].SendTime)
	if _, err := activity[0].mend(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := c.redis.ZScore(context.Background(), c.activity(), "alice:bob").Val(); got != last {
		t.Errorf("activity after a late repair = %v, want %v", got, last)
	}
	m := c.sent[2]
	added, err := checker.addIDs(context.Background(), under, logged{
		m.SendTime, member(m.SendTime, chat.Message{Text: m.Text, Sender: m.Sender, ID: m.ID}), owner, layout.TextDigest(m.Text),
	})
	if got := c.redis.ZScore(context.Background(), c.ids(), owner).Val(); err != nil || added != 0 || got != last {
		t.Errorf("addIDs() = %d, %v, and the id is at %v; want nothing added, %v", added, err, got, last)
	}
}

// TestCheckWhileOthersAppend: concurrent appends are no faults, and a repair changes nothing.
func TestCheckWhileOthersAppend(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendonly", "no")
	c := fillChecked(t, redis.URL(), storage.Options{MaxChatMessages: 50})
	chats := []chat.ID{chattest.ID(t, "alice:bob"), chattest.ID(t, "room")}
	for i := range 20 {
		chats = append(chats, chattest.ID(t, "new"+strconv.Itoa(i)))
	}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range longtest.Pick(300, 2000) {
				m := chat.Message{Text: "x", Sender: "alice", ID: fmt.Sprintf("%d-%d", w, i)}
				if _, err := appendTo(c.store, chats[i%len(chats)], m); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	for checks := 0; ; checks++ {
		if got := c.check(Options{PageSize: 30, Repair: checks%2 == 1}); len(got.Faults) > 0 {
			t.Errorf("check %d while others append found %+v, want nothing", checks, got.Faults)
		}
		select {
		case <-done:
			t.Logf("%d checks", checks+1)
			return
		default:
		}
	}
}

// TestFaultKindsAreDescribed: every kind has a rule, an advice, and a line in the document.
func TestFaultKindsAreDescribed(t *testing.T) {
	document, err := os.ReadFile("../../docs/check.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faultKinds {
		if f.rule == "" || f.advice == "" || f.kind.order() < 0 || f.kind.Rule() != f.rule || f.kind.Advice() != f.advice {
			t.Errorf("kind %q = %+v, want a rule and an advice, once", f.kind, f)
		}
		if !strings.Contains(string(document), "\n| `"+string(f.kind)+"` | ") {
			t.Errorf("docs/check.md has no line for %q", f.kind)
		}
	}
}
