package chat

// Services are the parts of the domain that a gateway offers. A nil part is absent, and its routes do not exist. Messages
// and Live are always there.
type Services struct {
	Messages  Service
	Live      Live
	Accounts  Accounts
	Sessions  Sessions
	Rooms     Rooms
	Admission Admission // nil only where every caller may enter every chat
	Inboxes   interface {
		Inboxes
		Readers
	}
	Projections Projections
	Words       Words
	Webhooks    Webhooks
	Pushes      Pushes
	Changes     Changes
	Moderation  Moderation
	Attachments Attachments
}
