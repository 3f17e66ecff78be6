package chat

import (
	"context"
	"slices"
)

// MaxReceiptMembers is the maximum number of members of a room whose messages have receipts.
const MaxReceiptMembers = 100

// Delivery says that a device of a user has received a chat up to a position.
type Delivery struct {
	Chat     string
	Reader   string // a user, or a device: "alice/phone". The position is the user's
	Position int64  // every message before it was received
}

// Delivered answers a Delivery.
type Delivered struct {
	Position int64 // up to which the user has received the chat; 0 where no receipts are kept
	Cursor   int64 // of the Delivery's reader
}

// MessageReceiptsRequest asks how far a message has come.
type MessageReceiptsRequest struct {
	Chat string
	Ref  int64 // the message's position
}

// MessageReceipts is how far a message has come. Recipients are the other user of a two-person chat, and the members of a
// room who were members when the message was sent and still are. A recipient who ignores the sender neither receives nor
// reads the message.
type MessageReceipts struct {
	Recipients  int
	DeliveredTo []string // sorted; reading implies delivery
	ReadBy      []string // sorted
}

// Deliveries keeps how far messages have been delivered, beside the cursors of readers. DeliveryService implements it, and the
// RPC client does over the network. Its methods are safe for concurrent use and return an *Error or nil.
type Deliveries interface {
	// Deliver moves the position up to which a user has received a chat, forward only, and never past the chat's end. In a
	// two-person chat the other user's streams are told.
	Deliver(context.Context, Delivery) (Delivered, error)
	// Receipts returns how far a message has come. Only its sender and services may ask.
	Receipts(context.Context, MessageReceiptsRequest) (MessageReceipts, error)
}

// DeliveryStore is the store of Deliveries. It applies no rules: its arguments have been checked.
type DeliveryStore interface {
	// Deliver moves a user's position forward, but not past the chat's end. In a room it keeps nothing for users who are not
	// members, or if there are more than MaxReceiptMembers. moved reports whether the position changed.
	Deliver(ctx context.Context, id ID, r Reading) (d Delivered, moved bool, err error)
	// ReadTarget is that of ChangeStore.
	ReadTarget(context.Context, TargetQuery) (Target, error)
	// Reach returns for each user how far the user has received and read a chat, and whether the user ignores the sender.
	Reach(ctx context.Context, id ID, sender string, users []string) ([]Reached, error)
	// Tell publishes an event.
	Tell(context.Context, Event) error
	RoomReader
}

// Reached is how far a user has received and read a chat.
type Reached struct {
	Delivered int64 // as told; reading implies more
	Read      int64 // the furthest cursor of the user's devices
	Ignores   bool
}

// DeliveryService implements Deliveries. It applies every rule before it calls the store.
type DeliveryService struct {
	store  DeliveryStore
	Access Access // the access rules
}

var _ Deliveries = (*DeliveryService)(nil)

// NewDeliveryService returns the Deliveries over a store.
func NewDeliveryService(store DeliveryStore, access Access) *DeliveryService {
	return &DeliveryService{store: store, Access: access}
}

// Deliver implements Deliveries.
func (s *DeliveryService) Deliver(ctx context.Context, d Delivery) (Delivered, error) {
	id, err := ParseID(d.Chat)
	if err == nil {
		d.Reader, err = s.Access.reader(id, d.Chat, d.Reader, callerOf(ctx))
	}
	if err == nil {
		err = s.Access.checkNewReader(d.Reader, callerOf(ctx))
	}
	if err == nil && (d.Position < 1 || d.Position > MaxCursor) {
		err = Errorf(InvalidArgument, "delivered is %d; it must be between 1 and %d", d.Position, int64(MaxCursor))
	}
	if err == nil {
		err = s.Access.act(ctx, id, d.Chat, callerOf(ctx))
	}
	if err != nil {
		return Delivered{}, err
	}
	at, moved, err := s.store.Deliver(ctx, id, Reading{Reader: d.Reader, Cursor: d.Position})
	if err != nil {
		return Delivered{}, AsError(err)
	}
	if moved {
		s.tell(ctx, id, UserOf(d.Reader), at.Position)
	}
	return at, nil
}

// tell tells the other user of a two-person chat, unless the user ignores the other. A lost event costs no more than its
// news: the position is stored.
func (s *DeliveryService) tell(ctx context.Context, id ID, user string, position int64) {
	others := recipientsOf(id, user)
	if len(others) == 0 {
		return
	}
	reached, err := s.store.Reach(ctx, id, others[0], []string{user})
	if err != nil || reached[0].Ignores {
		return
	}
	_ = s.store.Tell(ctx, Event{Chat: id, Kind: Received, Reading: &Reading{Reader: user, Cursor: position}})
}

// recipientsOf returns the other user of a two-person chat; none of a room or of a user's own chat.
func recipientsOf(id ID, sender string) []string {
	first, second, pair := id.Users()
	switch {
	case !pair || first == second:
		return nil
	case first == sender:
		return []string{second}
	}
	return []string{first}
}

// Receipts implements Deliveries.
func (s *DeliveryService) Receipts(ctx context.Context, r MessageReceiptsRequest) (MessageReceipts, error) {
	by := callerOf(ctx)
	id, err := ParseID(r.Chat)
	if err != nil {
		return MessageReceipts{}, err
	}
	member, err := s.Access.member(id, r.Chat, by)
	if err != nil {
		return MessageReceipts{}, err
	}
	if r.Ref < 1 || r.Ref > MaxSendTime {
		return MessageReceipts{}, Errorf(InvalidArgument, "send_time is %d; give that of a message", r.Ref)
	}
	target, err := s.store.ReadTarget(ctx, TargetQuery{Chat: id, Ref: r.Ref, Member: member, Exists: s.Access.mustExist(id, by)})
	if err != nil {
		return MessageReceipts{}, AsError(err)
	}
	switch m := target.Message; {
	case m.SendTime == 0:
		return MessageReceipts{}, Errorf(NotFound, "there is no message at %d in this chat, or it has expired", r.Ref)
	case m.Notice != nil:
		return MessageReceipts{}, Errorf(InvalidArgument, "the entry at %d is a notice, which has no receipts", r.Ref)
	case by.User != "" && !by.Service && by.User != m.Sender:
		return MessageReceipts{}, Errorf(PermissionDenied, "the message at %d is %s's; only the sender may ask for its receipts", r.Ref, m.Sender)
	}
	users, err := s.recipients(ctx, id, target.Message)
	if err != nil || len(users) == 0 {
		return MessageReceipts{}, err
	}
	reached, err := s.store.Reach(ctx, id, target.Message.Sender, users)
	if err != nil {
		return MessageReceipts{}, AsError(err)
	}
	return receiptsOf(r.Ref, users, reached), nil
}

// recipients returns the recipients of a message, sorted.
func (s *DeliveryService) recipients(ctx context.Context, id ID, m Message) ([]string, error) {
	if !id.IsRoom() {
		return recipientsOf(id, m.Sender), nil
	}
	rooms, err := s.store.ReadRooms(ctx, []RoomQuery{{Room: id}})
	if err == nil && rooms[0].Count > MaxReceiptMembers {
		return nil, Errorf(Conflict, "room %s has %d members; messages have receipts in rooms of up to %d", id, rooms[0].Count, MaxReceiptMembers)
	}
	if err == nil {
		rooms, err = s.store.ReadRooms(ctx, []RoomQuery{{Room: id, All: true}})
	}
	if err != nil {
		return nil, AsError(err)
	}
	if rooms[0].Visibility == "" {
		return nil, Errorf(InvalidArgument, "room %s was never created and has no members; messages have receipts in two-person chats and in rooms with members", id)
	}
	var users []string
	for user, member := range rooms[0].Members {
		if user != m.Sender && member.Since <= m.SendTime {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users, nil
}

// receiptsOf counts the users who have received and read the message at a position.
func receiptsOf(ref int64, users []string, reached []Reached) MessageReceipts {
	receipts := MessageReceipts{Recipients: len(users)}
	for i, user := range users {
		at := reached[i]
		if at.Ignores {
			continue
		}
		if at.Read > ref {
			receipts.ReadBy = append(receipts.ReadBy, user)
		}
		if max(at.Read, at.Delivered) > ref {
			receipts.DeliveredTo = append(receipts.DeliveredTo, user)
		}
	}
	return receipts
}
