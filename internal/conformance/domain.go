package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/names"
)

// Domain is the subject of RunDomain: everything over one empty store. Anonymous callers are refused, and the caller of a
// request is in its context. A nil part is not tested.
type Domain struct {
	Messages  chat.Service
	Accounts  chat.Accounts
	Rooms     chat.Rooms
	Admission chat.Admission
	Inboxes   Inboxes
	Chats     interface { // all of a user's chats at once
		Chats(context.Context, chat.ChatsRequest) ([]chat.Standing, error)
	}
	Changes  chat.Changes
	Sessions interface {
		Login(context.Context, chat.Credentials) (chat.Session, error)
		Refresh(context.Context, chat.RefreshRequest) (chat.Session, error)
	}
	Moderation  chat.Moderation
	Attachments chat.Attachments
	Deliveries  chat.Deliveries
	Live        Live
	Watches     Watches
	Deletion    interface {
		DeleteAccount(context.Context, chat.Deletion) (complete bool, err error)
	}
}

// Inboxes are the methods of inboxes that every subject has.
type Inboxes interface {
	Inbox(context.Context, chat.InboxRequest) (chat.Inbox, error)
	Unread(context.Context, chat.UnreadRequest) (chat.UnreadPage, error)
	Ignored(ctx context.Context, user string) ([]string, error)
	Ignore(context.Context, chat.IgnoreRequest) error
	Readers(ctx context.Context, chat string) (chat.Receipts, error)
}

// Live are the methods of chat.Live that every subject has.
type Live interface {
	Signal(context.Context, chat.Signal) error
	Read(context.Context, chat.ReadRequest) (int64, error)
	Present(ctx context.Context, chat string) ([]string, error)
}

// Watches are the methods of chat.Live that a gateway uses. HTTP clients have others.
type Watches interface {
	Watch() chat.Watch
	ReportPresence(ctx context.Context, gateway string, present []chat.Attendance) error
}

// DomainOf returns all of some services as a subject.
func DomainOf(s chat.Services) Domain {
	return Domain{
		Messages: s.Messages, Accounts: s.Accounts, Rooms: s.Rooms, Admission: s.Admission, Inboxes: s.Inboxes, Chats: s.Inboxes,
		Changes: s.Changes, Live: s.Live, Watches: s.Live, Deletion: s.Sessions, Sessions: s.Sessions, Moderation: s.Moderation,
		Deliveries:  s.Deliveries,
		Attachments: s.Attachments,
	}
}

// RoomLimits apply to the rooms of every Domain.
var RoomLimits = chat.RoomOptions{DefaultLimit: 3, MaxLimit: 5, MaxMembers: 5, MaxUserRooms: 12, IDReserved: time.Hour}

// ReportLimits apply to the reports of every Domain. Stores charge by their own time, so an hour may end in a test.
var ReportLimits = chat.ReportLimits{PerUser: chat.Bounds{PerHour: 6, PerDay: 6}, MaxOpen: 10}

// DomainOptions are those of every subject of RunDomain.
func DomainOptions(o Options) chattest.DomainOptions {
	rooms, accounts := RoomLimits, AccountLimits
	rooms.Now, accounts.Now = o.Clock.Now, o.Clock.Now
	limits := Limits
	limits.EditWindow, limits.EditHistory = EditWindow, true
	options := chattest.DomainOptions{
		Attached: FileLimits,
		Access:   chat.Access{Required: true, Names: names.Rules{}}, Limits: limits, Rooms: rooms, Accounts: accounts, Reports: ReportLimits,
	}
	if o.Files != nil {
		options.Files = o.Files
	}
	options.Attached.Now = o.Clock.Now
	return options
}

// maxDevices is the limit for devices of a user in a chat, of every Domain. It is not the stores' default.
const maxDevices = 5

// domainTest is a part of the contract. needs reports whether a subject has the tested feature; nil is always.
type domainTest struct {
	name  string
	needs func(Domain) bool
	test  func(*domain)
}

// RunDomain tests the contract of rooms, inboxes, readers, live events and deletions on one subject. open returns an empty
// one, whose time is the clock's.
func RunDomain(t *testing.T, open func(*testing.T, Options) Domain) {
	for _, c := range slices.Concat(roomTests, inboxTests, liveTests, deliveryTests, deletionTests, changeTests, moderationTests, attachmentTests, restraintTests, reportTests, versionTests) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			files := chattest.NewFiles()
			files.Clock = clock.Now
			d := &domain{t, open(t, Options{Clock: clock, IdempotencyWindow: time.Hour, MaxDevices: maxDevices, Files: files}), clock, files}
			if c.needs == nil || c.needs(d.Domain) {
				c.test(d)
			}
		})
	}
}

// domain is a subject in one test.
type domain struct {
	t *testing.T
	Domain
	clock *Clock
	files *chattest.Files
}

// as returns the context of a user's request.
func as(user string) context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: user})
}

// asService returns the context of a service's request.
func asService() context.Context {
	return chat.WithCaller(context.Background(), chat.Caller{User: "backend", Service: true})
}

// register gives users accounts. A user is called "I am" the user's id.
func (d *domain) register(users ...string) {
	d.t.Helper()
	for _, user := range users {
		if _, err := d.Accounts.Register(context.Background(), chat.Registration{User: user, Password: goodPassword, Name: "I am " + user}); err != nil {
			d.t.Fatalf("Register(%s) = %v", user, err)
		}
	}
}

// send sends a message as a user a microsecond later, and returns its position.
func (d *domain) send(user, name, text string) int64 {
	d.t.Helper()
	d.clock.Add(time.Microsecond)
	receipt, err := d.Messages.Send(as(user), chat.Message{Chat: name, Sender: user, Text: text})
	if err != nil {
		d.t.Fatalf("Send(%s in %s) = %v", user, name, err)
	}
	return receipt.SendTime
}

// code checks the code of an error.
func (d *domain) code(err error, want chat.Code, format string, args ...any) {
	d.t.Helper()
	if got := chat.CodeOf(err); got != want {
		d.t.Errorf("%s = %v, want code %q", fmt.Sprintf(format, args...), err, want)
	}
}

// texts returns the texts of a chat's newest messages, oldest first, as a service reads them.
func (d *domain) texts(name string) []string {
	d.t.Helper()
	page, err := d.Messages.Pull(asService(), chat.PullRequest{Chat: name, Limit: 100})
	if err != nil {
		d.t.Fatalf("Pull(%s) = %v", name, err)
	}
	return texts(page)
}

// same checks a list of words.
func (d *domain) same(got []string, want, format string, args ...any) {
	d.t.Helper()
	if text := strings.Join(got, ", "); text != want {
		d.t.Errorf("%s = %q, want %q", fmt.Sprintf(format, args...), text, want)
	}
}
