package chat

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// InboxServiceStore is the store of an InboxService.
type InboxServiceStore interface {
	ReaderStore
	InboxStore
	RoomReader
}

// InboxService implements Inboxes and Readers. It applies every rule before it calls the store. It computes an inbox from
// a user's list of chats on request; a send writes nothing for it.
type InboxService struct {
	store  InboxServiceStore
	limits Limits
	Access Access // the access rules
	turns  turns  // of inbox requests
}

var (
	_ Inboxes = (*InboxService)(nil)
	_ Readers = (*InboxService)(nil)
)

// NewInboxService returns the InboxService over a store.
func NewInboxService(store InboxServiceStore, access Access, limits Limits) *InboxService {
	return &InboxService{store: store, limits: limits, Access: access}
}

// Readers implements Readers.
func (s *InboxService) Readers(ctx context.Context, chat string) (Receipts, error) {
	id, err := ParseID(chat)
	if err == nil {
		err = s.Access.enter(ctx, id, chat, callerOf(ctx))
	}
	if err != nil {
		return Receipts{}, err
	}
	receipts, err := s.store.Readings(ctx, id, MaxReceipts)
	return receipts, orNil(err)
}

// Ignored implements Inboxes.
func (s *InboxService) Ignored(ctx context.Context, user string) ([]string, error) {
	user, err := s.Access.owner("reader", user, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	_, ignored, err := s.store.Lists(ctx, user)
	users := make([]string, 0, len(ignored))
	for user := range ignored {
		users = append(users, user)
	}
	slices.Sort(users)
	return users, orNil(err)
}

// Ignore implements Inboxes.
func (s *InboxService) Ignore(ctx context.Context, i IgnoreRequest) error {
	var err error
	if i.User, err = s.Access.owner("reader", i.User, callerOf(ctx)); err == nil {
		err = checkName("ignored user", i.Other)
	}
	switch {
	case err != nil:
		return err
	case i.User == i.Other:
		return Errorf(InvalidArgument, "user %q cannot ignore user %q", i.User, i.User)
	}
	return orNil(s.store.SetIgnored(ctx, i))
}

// Chats implements Inboxes.
func (s *InboxService) Chats(ctx context.Context, asked ChatsRequest) ([]Standing, error) {
	reader, err := s.Access.ownReader(asked.Reader, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	asked.Reader = reader
	return inTurn(ctx, &s.turns, UserOf(reader), asked, func() ([]Standing, error) { return s.standings(ctx, asked) })
}

func (s *InboxService) standings(ctx context.Context, asked ChatsRequest) ([]Standing, error) {
	list, err := s.list(ctx, asked.Reader)
	if err != nil {
		return nil, err
	}
	standings := make([]Standing, len(list.chats))
	slices.SortStableFunc(list.chats, func(a, b listed) int { return cmp.Compare(b.Position, a.Position) })
	for i, c := range list.chats {
		standings[i] = Standing{Chat: c.id.String(), Cursor: c.Cursor}
	}
	if !asked.Names {
		return standings, nil
	}
	titles, err := s.titles(ctx, list.chats, func(i int) []string { return usersOf(list.chats[i].id) })
	for i := range titles {
		standings[i].Title = titles[i]
	}
	return standings, err
}

// list is the data from which an inbox is computed.
type list struct {
	reader  string
	user    string
	ignored map[string]bool
	chats   []listed // sorted by name
}

type listed struct {
	Newest

	id ID
}

// list checks that the caller may act for the reader, and reads the reader's list.
func (s *InboxService) list(ctx context.Context, reader string) (list, error) {
	l := list{reader: reader, user: UserOf(reader)}
	chats, ignored, err := s.store.Lists(ctx, l.user)
	if err != nil {
		return list{}, AsError(err)
	}
	l.ignored = ignored
	newest, err := s.store.Newest(ctx, reader, chats)
	if err != nil {
		return list{}, AsError(err)
	}
	l.chats = make([]listed, 0, len(chats))
	for i, id := range chats {
		if !newest[i].Gone {
			l.chats = append(l.chats, listed{newest[i], id})
		}
	}
	return l, nil
}

// written returns the chats with messages, newest first. A listed chat may have none yet.
func (l list) written() []listed {
	written := slices.DeleteFunc(slices.Clone(l.chats), func(c listed) bool { return c.Position == 0 })
	slices.SortStableFunc(written, func(a, b listed) int { return cmp.Compare(b.Position, a.Position) })
	return written
}

// Inbox implements Inboxes.
func (s *InboxService) Inbox(ctx context.Context, asked InboxRequest) (Inbox, error) {
	if err := checkPage(asked.Cursor, asked.Limit); err != nil {
		return Inbox{}, err
	}
	reader, err := s.Access.ownReader(asked.Reader, callerOf(ctx))
	if err != nil {
		return Inbox{}, err
	}
	asked.Reader = reader
	return inTurn(ctx, &s.turns, UserOf(reader), asked, func() (Inbox, error) { return s.inbox(ctx, asked) })
}

// checkPage refuses invalid pages of an inbox.
func checkPage(cursor, limit int64) error {
	if err := CheckLimit(limit); err != nil {
		return err
	}
	return checkCursor(cursor)
}

func (s *InboxService) inbox(ctx context.Context, asked InboxRequest) (Inbox, error) {
	l, err := s.list(ctx, asked.Reader)
	if err != nil {
		return Inbox{}, err
	}
	chats, next := pageOf(l.written(), asked.Cursor, s.limits.page(asked.Limit))
	inbox := Inbox{HasMore: next > 0, NextCursor: next, Entries: make([]InboxEntry, len(chats))}
	previews := l.previews(chats)
	for i, c := range chats {
		inbox.Entries[i] = InboxEntry{Chat: c.id.String(), Cursor: c.Cursor}
		previews.Chats[i].Last = true
	}
	previewed, err := s.store.Preview(ctx, previews)
	if err != nil {
		return Inbox{}, AsError(err)
	}
	for i, g := range previewed {
		inbox.Entries[i].Unread, inbox.Entries[i].Mentions, inbox.Entries[i].Last = g.Unread, g.Mentions, g.Last
		if g.Last != nil {
			g.Last.Chat = inbox.Entries[i].Chat
		}
	}
	if asked.Names {
		err = s.name(ctx, chats, inbox.Entries)
	}
	return inbox, err
}

// name fills in the names of the rooms and users of a page.
func (s *InboxService) name(ctx context.Context, chats []listed, entries []InboxEntry) error {
	titles, err := s.titles(ctx, chats, func(i int) []string {
		users := usersOf(chats[i].id)
		if users == nil && entries[i].Last != nil {
			users = []string{entries[i].Last.Sender}
		}
		return users
	})
	for i := range titles {
		entries[i].Name, entries[i].Users = titles[i].Name, titles[i].Users
	}
	return err
}

// usersOf returns the users of a two-person chat, and none of a room.
func usersOf(id ID) []string {
	first, second, pair := id.Users()
	switch {
	case pair && first == second:
		return []string{first}
	case pair:
		return []string{first, second}
	}
	return nil
}

// titles reads the display names of some chats, with one question. shown are the users that are shown with each.
func (s *InboxService) titles(ctx context.Context, chats []listed, shown func(i int) []string) ([]Title, error) {
	var rooms []ID
	var users []string
	at := map[string]int{} // of users
	for i, c := range chats {
		if c.id.IsRoom() {
			rooms = append(rooms, c.id)
		}
		for _, user := range shown(i) {
			if _, known := at[user]; !known {
				at[user] = len(users)
				users = append(users, user)
			}
		}
	}
	ofRooms, ofUsers, err := s.store.ReadNames(ctx, rooms, users)
	if err != nil {
		return nil, AsError(err)
	}
	titles := make([]Title, len(chats))
	for i, c := range chats {
		if c.id.IsRoom() {
			titles[i].Name, ofRooms = ofRooms[0], ofRooms[1:]
		}
		for _, user := range shown(i) {
			if name := ofUsers[at[user]]; name != "" {
				titles[i].Users = append(titles[i].Users, UserName{User: user, Name: name})
			}
		}
	}
	return titles, nil
}

// Unread implements Inboxes.
func (s *InboxService) Unread(ctx context.Context, asked UnreadRequest) (UnreadPage, error) {
	if err := checkPage(asked.Cursor, asked.Limit); err != nil {
		return UnreadPage{}, err
	}
	reader, err := s.Access.ownReader(asked.Reader, callerOf(ctx))
	if err != nil {
		return UnreadPage{}, err
	}
	asked.Reader = reader
	return inTurn(ctx, &s.turns, UserOf(reader), asked, func() (UnreadPage, error) { return s.unread(ctx, asked) })
}

func (s *InboxService) unread(ctx context.Context, asked UnreadRequest) (UnreadPage, error) {
	l, err := s.list(ctx, asked.Reader)
	if err != nil {
		return UnreadPage{}, err
	}
	limit := MaxUnread
	if asked.Limit > 0 {
		limit = int(min(asked.Limit, MaxUnread))
	}
	moved := slices.DeleteFunc(l.written(), func(c listed) bool { return c.Position < c.Cursor }) // nothing is new
	chats, next := pageOf(moved, asked.Cursor, limit)
	previews := l.previews(chats)
	previewed, err := s.store.Preview(ctx, previews)
	if err != nil {
		return UnreadPage{}, AsError(err)
	}
	page := UnreadPage{Chats: make([]Unread, 0, len(chats)), HasMore: next > 0, NextCursor: next}
	for i, g := range previewed {
		if g.Unread > 0 {
			page.Chats = append(page.Chats, Unread{Chat: chats[i].id.String(), Count: g.Unread, Mentions: g.Mentions})
		}
	}
	slices.SortFunc(page.Chats, func(a, b Unread) int { return strings.Compare(a.Chat, b.Chat) })
	return page, nil
}

// previews returns the query for the previews of chats.
func (l list) previews(chats []listed) Previews {
	asked := Previews{User: l.user, Ignored: l.ignored, Chats: make([]Preview, len(chats))}
	for i, c := range chats {
		asked.Chats[i] = Preview{Chat: c.id, From: c.Cursor}
	}
	return asked
}
