package chattest

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/deletion"
	"github.com/pullchat/pullchat/internal/emoji"
)

// The functions below build each service over its stores. Tests build services with them, so that only this file knows how
// a service is wired.

// Messages returns a MessageService over a store. If the store has readers, pulls of readers work.
func Messages(store chat.Store, access chat.Access, limits chat.Limits) *chat.MessageService {
	service := chat.NewMessageService(store, access, limits)
	if readers, ok := store.(chat.ReaderStore); ok {
		service.ReaderStore = readers
	}
	return service
}

// Live returns a LiveService over a store.
func Live(store chat.LiveStore, access chat.Access) *chat.LiveService {
	return chat.NewLiveService(store, access)
}

// Rooms returns a RoomService over a store.
func Rooms(store chat.RoomStore, access chat.Access, options chat.RoomOptions) *chat.RoomService {
	return chat.NewRoomService(store, access, options)
}

// Changes returns a ChangeService over a store.
func Changes(store chat.ChangeStore, access chat.Access, limits chat.Limits) *chat.ChangeService {
	service := chat.NewChangeService(store, access, limits)
	service.Emoji = emoji.Is
	if readers, ok := store.(chat.ReaderStore); ok {
		service.Readers = readers
	}
	return service
}

// Deliveries returns a DeliveryService over a store.
func Deliveries(store chat.DeliveryStore, access chat.Access) *chat.DeliveryService {
	return chat.NewDeliveryService(store, access)
}

// Inboxes returns an InboxService over a store.
func Inboxes(store chat.InboxServiceStore, access chat.Access, limits chat.Limits) *chat.InboxService {
	return chat.NewInboxService(store, access, limits)
}

// Accounts returns an AccountService over a store. deleter may be nil.
func Accounts(
	store chat.AccountServiceStore, hasher chat.Hasher, access chat.Access, options chat.AccountOptions, deleter chat.Deleter,
) *chat.AccountService {
	service := chat.NewAccountService(store, access, hasher, options)
	service.Deleter = deleter
	return service
}

// Domain is all services over one store.
type Domain struct {
	Messages *chat.MessageService
	Live     *chat.LiveService
	Rooms    *chat.RoomService
	Inboxes  *chat.InboxService
	Accounts *chat.AccountService
	Deleter  *deletion.Deleter
	Changes  *chat.ChangeService

	Moderation  *chat.ModerationService
	Attachments *chat.AttachmentService
	Deliveries  *chat.DeliveryService
}

// DomainOptions configure a Domain.
type DomainOptions struct {
	Access   chat.Access // Rooms, Users, Spender and Revoked are set from the store
	Limits   chat.Limits
	Rooms    chat.RoomOptions
	Accounts chat.AccountOptions
	Reports  chat.ReportLimits
	Files    chat.FileStore // nil: there are no files
	Attached chat.AttachmentOptions
	Hasher   chat.Hasher                  // nil is a PlainHasher
	Failed   func(user string, err error) // of the Deleter; nil ignores it
}

// NewDomain returns all services over a store.
func NewDomain(store Stores, o DomainOptions) Domain {
	o.Access.Rooms, o.Access.Users, o.Access.Spender, o.Access.Revoked = store, store, store, store.Revoked
	if o.Hasher == nil {
		o.Hasher = &PlainHasher{}
	}
	if o.Failed == nil {
		o.Failed = func(string, error) {}
	}
	o.Rooms.Auditor = store
	d := Domain{
		Messages: Messages(store, o.Access, o.Limits), Live: Live(store, o.Access), Rooms: Rooms(store, o.Access, o.Rooms),
		Inboxes: Inboxes(store, o.Access, o.Limits), Changes: Changes(store, o.Access, o.Limits),
		Deliveries: Deliveries(store, o.Access),
	}
	d.Deleter = deletion.New(store, d.Rooms, o.Failed)
	d.Accounts = Accounts(store, o.Hasher, o.Access, o.Accounts, d.Deleter)
	d.Accounts.IsSuspended = store.IsSuspended
	d.Moderation = chat.NewModerationService(store, o.Access, o.Hasher, o.Reports)
	d.Moderation.Now = o.Accounts.Now
	d.Attachments = chat.NewAttachmentService(store, o.Access, o.Files, o.Attached)
	d.Messages.Files = d.Attachments
	d.Changes.Auditor = store
	return d
}

// Services are those of a Domain.
func (d Domain) Services() chat.Services {
	return chat.Services{
		Messages: d.Messages, Live: d.Live, Accounts: d.Accounts, Sessions: d.Accounts, Rooms: d.Rooms, Admission: d.Rooms, Inboxes: d.Inboxes, Changes: d.Changes,
		Moderation: d.Moderation, Attachments: d.Attachments, Deliveries: d.Deliveries,
	}
}
