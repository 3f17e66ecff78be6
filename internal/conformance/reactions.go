package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

func reaction(name string, ref int64, emoji string) chat.Change {
	return chat.Change{Chat: name, Ref: ref, Kind: chat.MessageReacted, Emoji: emoji}
}

func takenBack(c chat.Change) chat.Change {
	c.Kind = chat.MessageUnreacted
	return c
}

// duplicate wants that a change stores nothing, and names a position.
func (d *domain) duplicate(user string, c chat.Change, want int64, what string) {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	receipt, err := d.Changes.Change(as(user), c)
	if err != nil || receipt != (chat.Receipt{SendTime: want, Duplicate: true}) {
		d.t.Errorf("%s = %+v, %v; want a duplicate of %d", what, receipt, err, want)
	}
}

func testReactions(d *domain) {
	at := d.send("ann", "ann:bob", "hello")
	first := d.amend("bob", reaction("ann:bob", at, "👍"))
	second := d.amend("ann", reaction("bob:ann", at, "👍"))
	d.amend("bob", reaction("ann:bob", at, "❤️"))
	d.same(shown(d.pull("ann:bob", 0)), "hello 👍2bob+ann ❤️1bob, react 👍 👍2bob+ann ❤️1bob, react 👍 👍2bob+ann ❤️1bob, react ❤️ 👍2bob+ann ❤️1bob", "the chat after three reactions")
	d.same(shown(d.pull("ann:bob", second+1)), "react ❤️ 👍2bob+ann ❤️1bob", "a page of the last reaction alone")
	if m := d.pull("ann:bob", first)[0]; m.Sender != "bob" || m.Notice.Ref != at || m.Notice.Emoji != "👍" || m.SendTime != first {
		d.t.Errorf("the entry of the first reaction is %+v, %+v; want it by bob about %d", m, m.Notice, at)
	}
	d.duplicate("bob", reaction("ann:bob", at, "👍"), at, "a reaction that is there")
	d.duplicate("ann", takenBack(reaction("ann:bob", at, "❤️")), at, "taking back another user's reaction")
	d.amend("bob", takenBack(reaction("ann:bob", at, "👍")))
	d.amend("bob", takenBack(reaction("ann:bob", at, "❤️")))
	d.same(shown(d.pull("ann:bob", 0))[:1], "hello 👍1ann", "the message after two reactions were taken back")
	d.amend("ann", takenBack(reaction("ann:bob", at, "👍")))
	if m := d.pull("ann:bob", 0)[0]; m.State != nil {
		d.t.Errorf("the message without reactions is %+v, %+v; want it as it was sent", m, m.State)
	}
}

func testRepeatedReaction(d *domain) {
	at := d.send("ann", "ann:bob", "hello")
	react := reaction("ann:bob", at, "👍")
	react.ID = "r-1"
	first := d.amend("bob", react)
	d.amend("bob", takenBack(reaction("ann:bob", at, "👍")))
	d.duplicate("bob", react, first, "a repeated reaction, which was taken back since")
	d.same(shown(d.pull("ann:bob", 0))[:1], "hello", "the message after a repeated reaction")
	react.Emoji = "❤️"
	_, err := d.Changes.Change(as("bob"), react)
	d.code(err, chat.Conflict, "another reaction with the same id")
}

// own lists the reactions of each message that are the reader's.
func own(messages []chat.Message) (list []string) {
	for _, m := range messages {
		emoji := []string{}
		if m.State != nil {
			for _, r := range m.State.Reactions {
				if r.Own {
					emoji = append(emoji, r.Emoji)
				}
			}
		}
		list = append(list, strings.Join(emoji, " "))
	}
	return list
}

func testReactionsOfMany(d *domain) {
	d.register("ann")
	d.create("ann", "hall", chat.Public)
	at := d.send("ann", "hall", "party")
	answered := d.send("ann", "hall", "where?")
	var last int64
	for i := range 8 {
		last = d.amend(fmt.Sprint("u", i), reaction("hall", at, "🎉"))
	}
	d.amend("u7", reaction("hall", answered, "👍"))
	d.same(shown(d.pull("hall", at))[:2], "party 🎉8u0+u1+u2+u3+u4, where? 👍1u7", "the room after eight reactions")
	for _, c := range []struct{ user, want string }{{"u0", "🎉, "}, {"u7", "🎉, 👍"}, {"zed", ", "}} {
		page, err := d.Messages.Pull(as(c.user), chat.PullRequest{Chat: "hall", Cursor: at, Limit: 2})
		d.code(err, "", "Pull() of %s", c.user)
		d.same(own(page.Messages), c.want, "%s's own reactions", c.user)
	}
	page, err := d.Messages.Pull(asService(), chat.PullRequest{Chat: "hall", Cursor: at, Limit: 2, Reader: "u7"})
	d.code(err, "", "Pull() of a service for a reader")
	d.same(own(page.Messages), "🎉, 👍", "the reader's own reactions")
	page, err = d.Messages.Pull(as("u6"), chat.PullRequest{Chat: "hall", Cursor: last, Limit: 1})
	d.code(err, "", "Pull() of an entry alone")
	d.same(own(page.Messages), "🎉", "the own reactions at the entry of another's")
	d.same(own(d.pull("hall", at))[:2], ", ", "a service's own reactions")
	d.amend("u0", takenBack(reaction("hall", at, "🎉")))
	d.same(shown(d.pull("hall", at))[:1], "party 🎉7u1+u2+u3+u4+u5", "the message after the first took the reaction back")
}

func testReactionRules(d *domain) {
	d.register("ann", "bob", "eve")
	d.create("ann", "club", chat.Private, "bob")
	at := d.send("bob", "club", "hello")
	for _, emoji := range []string{"", "a", "ok", "👍👍", "👍 ", strings.Repeat("👍\u200d", 10) + "👍", "\x00"} {
		_, err := d.Changes.Change(as("ann"), reaction("club", at, emoji))
		d.code(err, chat.InvalidArgument, "a reaction with %q", emoji)
	}
	for _, c := range []struct {
		user string
		asks chat.Change
		want chat.Code
	}{
		{"eve", reaction("club", at, "👍"), chat.PermissionDenied},
		{"eve", takenBack(reaction("club", at, "👍")), chat.PermissionDenied},
		{"ann", reaction("club", at+1, "👍"), chat.NotFound},
		{"ann", reaction("nowhere", at, "👍"), chat.NotFound},
		{"ann", reaction("club", d.pull("club", 0)[0].SendTime, "👍"), chat.InvalidArgument}, // a notice
	} {
		_, err := d.Changes.Change(as(c.user), c.asks)
		d.code(err, c.want, "Change(%s, %+v)", c.user, c.asks)
	}
	for i := range chat.MaxReactions {
		d.amend("ann", reaction("club", at, string(rune('\U0001f400'+i))))
	}
	_, err := d.Changes.Change(as("bob"), reaction("club", at, "👍"))
	d.code(err, chat.Conflict, "one emoji more than a message may have")
	d.amend("bob", reaction("club", at, "\U0001f400"))
	d.amend("ann", takenBack(reaction("club", at, "\U0001f401")))
	d.amend("bob", reaction("club", at, "👍"))
	d.amend("bob", chat.Change{Chat: "club", Ref: at, Kind: chat.MessageDeleted})
	d.same(shown(d.pull("club", at))[:1], " erased deleted", "the deleted message")
	for _, c := range []chat.Change{reaction("club", at, "👍"), takenBack(reaction("club", at, "👍"))} {
		_, err = d.Changes.Change(as("bob"), c)
		d.code(err, chat.NotFound, "a reaction to a deleted message")
	}
}

func testReactionsAreNotUnread(d *domain) {
	d.register("ann", "bob")
	at := d.send("ann", "ann:bob", "one")
	d.read("bob", "ann:bob", at+1, false, at+1)
	d.amend("ann", reaction("ann:bob", at, "👍"))
	inbox, err := d.Inboxes.Inbox(as("bob"), chat.InboxRequest{Reader: "bob", Limit: 10})
	if err != nil || len(inbox.Entries) != 1 {
		d.t.Fatalf("Inbox() = %+v, %v", inbox, err)
	}
	if e := inbox.Entries[0]; e.Unread != 0 || e.Last == nil || e.Last.SendTime != at {
		d.t.Errorf("the inbox has %+v with %+v; want nothing unread, and the message", e, e.Last)
	}
	if e := inbox.Entries[0]; e.Last != nil {
		d.same(shown([]chat.Message{*e.Last}), "one 👍1ann", "the message in the inbox")
	}
}
