package chat

import (
	"context"
	"slices"
)

// PushService implements Pushes. It applies every rule before it calls the store.
type PushService struct {
	store  PushStore
	Access Access // the access rules
}

var _ Pushes = (*PushService)(nil)

// NewPushService returns the Pushes over a store.
func NewPushService(store PushStore, access Access) *PushService {
	return &PushService{store: store, Access: access}
}

// Subscribe implements Pushes.
func (p *PushService) Subscribe(ctx context.Context, s Subscription) (err error) {
	if s.User, err = p.Access.owner("user", s.User, callerOf(ctx)); err != nil {
		return err
	}
	if err := p.Access.checkNewReader(s.User+"/"+s.Device, callerOf(ctx)); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	return orNil(p.store.AddSubscription(ctx, s))
}

// Unsubscribe implements Pushes.
func (p *PushService) Unsubscribe(ctx context.Context, u Unsubscription) (err error) {
	if u.User, err = p.Access.owner("user", u.User, callerOf(ctx)); err != nil {
		return err
	}
	if err := checkWord("device", u.Device); err != nil {
		return err
	}
	return orNil(p.store.RemoveSubscription(ctx, u))
}

// Subscriptions implements Pushes.
func (p *PushService) Subscriptions(ctx context.Context, user string) ([]Subscription, error) {
	user, err := p.Access.owner("user", user, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	subscriptions, err := p.store.ReadSubscriptions(ctx, user)
	return subscriptions, orNil(err)
}

// Mute implements Pushes. A chat may be muted before it exists, and unmuted after the user has lost access to it.
func (p *PushService) Mute(ctx context.Context, m MuteRequest) (err error) {
	if m.User, err = p.Access.owner("user", m.User, callerOf(ctx)); err != nil {
		return err
	}
	id, err := ParseID(m.Chat)
	if err == nil {
		err = checkMayEnter(id, m.Chat, Caller{User: m.User})
	}
	if err == nil {
		err = checkCursor(m.Until)
	}
	if err == nil && !m.Mute && m.Until != 0 {
		err = Errorf(InvalidArgument, "until needs muted")
	}
	if err != nil {
		return err
	}
	return orNil(p.store.SetMuted(ctx, m.User, id, m.Mute, m.Until))
}

// Muted implements Pushes.
func (p *PushService) Muted(ctx context.Context, user string) ([]MutedChat, error) {
	user, err := p.Access.owner("user", user, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	muted, err := p.store.ReadMuted(ctx, user)
	return muted, orNil(err)
}

// forServices refuses callers who are users: the answers are of others.
func (p *PushService) forServices(ctx context.Context) error {
	by := callerOf(ctx)
	identified, err := p.Access.identified(by)
	if err == nil && identified && !by.Service {
		err = Errorf(PermissionDenied, "only services may ask which users to notify: use a service's token")
	}
	return err
}

// Subscribers implements Pushes.
func (p *PushService) Subscribers(ctx context.Context) (int64, error) {
	if err := p.forServices(ctx); err != nil {
		return 0, err
	}
	n, err := p.store.Subscribers(ctx)
	return n, orNil(err)
}

// PushTargets implements Pushes.
func (p *PushService) PushTargets(ctx context.Context, q PushQuery) (PushTargets, error) {
	if err := p.forServices(ctx); err != nil {
		return PushTargets{}, err
	}
	id, err := ParseID(q.Chat)
	if err == nil {
		err = checkName("sender", q.Sender)
	}
	if err == nil {
		err = checkCursor(q.Position)
	}
	if err == nil && len(q.Users) > MaxPushTargets {
		err = Errorf(InvalidArgument, "%d users are too many; the limit is %d", len(q.Users), MaxPushTargets)
	}
	if err == nil && len(q.Mentions) > MaxPushMentions {
		err = Errorf(InvalidArgument, "%d mentions are too many; the limit is %d", len(q.Mentions), MaxPushMentions)
	}
	for _, user := range slices.Concat(q.Users, q.Mentions) {
		if err == nil {
			err = checkName("user", user)
		}
	}
	if err == nil {
		err = checkNamePart("after", q.After)
	}
	if err != nil {
		return PushTargets{}, err
	}
	targets, err := p.store.FindPushTargets(ctx, id, q)
	targets.Users = slices.DeleteFunc(targets.Users, func(of []Subscription) bool { // suspended users may not read
		return p.Access.Revoked != nil && p.Access.Revoked(of[0].User) != NotRevoked
	})
	if err != nil || len(targets.Users) == 0 {
		return targets, orNil(err)
	}
	rooms := []ID{}
	if id.IsRoom() {
		rooms = append(rooms, id)
	}
	ofRooms, ofUsers, err := p.store.ReadNames(ctx, rooms, []string{q.Sender})
	if err == nil {
		targets.SenderName = ofUsers[0]
	}
	if err == nil && len(ofRooms) > 0 {
		targets.ChatName = ofRooms[0]
	}
	return targets, orNil(err)
}
