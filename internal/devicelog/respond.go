package devicelog

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	// pageSize and maxPages bound the search for a request: through the newest 10,000 entries of the device.
	pageSize = 500
	maxPages = 20
)

// Answer is a back end's answer to a request of a device.
type Answer struct {
	UID          string          `json:"uid"`        // of the request
	Connection   string          `json:"connection"` // that the request came over; "" for the newest request with the uid
	Action       string          `json:"action"`     // "" for that of the request, with ".response"
	Status       string          `json:"status"`     // "" for ok, or error if there is an errorCode
	ErrorCode    string          `json:"errorCode"`
	ErrorMessage string          `json:"errorMessage"`
	Data         json.RawMessage `json:"data"`
}

// Respond stores the answer to a request in the device's chat, once. The same answer again is a duplicate; another one is a
// Conflict. It is for services. A request that is not there is NotFound. The sender is the device, whichever service answers: so
// the store refuses a second answer, also one at the same time.
func Respond(ctx context.Context, messages chat.Service, device string, a Answer) (chat.Receipt, error) {
	if by, known := chat.CallerOf(ctx); known && !by.Service {
		return chat.Receipt{}, chat.Errorf(chat.PermissionDenied, "responses are for services: use a service's token")
	}
	if err := a.check(device); err != nil {
		return chat.Receipt{}, err
	}
	request, response, err := search(ctx, messages, device, a)
	if err != nil {
		return chat.Receipt{}, err
	}
	m := a.entry(request).Message(device, device, "response "+a.UID)
	switch {
	case response != nil && response.Text == m.Text:
		return chat.Receipt{SendTime: response.SendTime, Duplicate: true}, nil
	case response != nil:
		return chat.Receipt{}, errAnswered(a.UID)
	}
	receipt, err := messages.Send(ctx, m)
	if chat.CodeOf(err) == chat.Conflict { // another answer was stored since the search
		err = errAnswered(a.UID)
	}
	return receipt, err
}

func errAnswered(uid string) error {
	return chat.Errorf(chat.Conflict, "the request %q has another response already", uid)
}

func (a *Answer) check(device string) error {
	if err := chat.CheckUser(device); err != nil {
		return chat.Errorf(chat.InvalidArgument, "deviceUid: %s", chat.AsError(err).Message)
	}
	if a.UID == "" || len(a.UID) > MaxUID {
		return chat.Errorf(chat.InvalidArgument, "uid is %d bytes; it must be from 1 to %d", len(a.UID), MaxUID)
	}
	switch a.Status {
	case "", "ok", "error":
		return nil
	}
	return chat.Errorf(chat.InvalidArgument, "status is %q; it is ok or error", a.Status)
}

// entry is the stored form. The same answer always has the same text.
func (a *Answer) entry(request Entry) Entry {
	e := Entry{
		Kind: Response, Action: a.Action, UID: a.UID, Connection: request.Connection,
		Status: a.Status, ErrorCode: a.ErrorCode, ErrorMessage: a.ErrorMessage,
	}
	if e.Action == "" {
		e.Action = request.Action + ".response"
	}
	if e.Status == "" {
		if e.Status = "ok"; e.ErrorCode != "" {
			e.Status = "error"
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, a.Data) == nil && compact.String() != "null" {
		e.Data = compact.Bytes()
	}
	return e
}

// search finds a request from the newest entry on, and its response if there is one.
func search(ctx context.Context, messages chat.Service, device string, a Answer) (request Entry, response *chat.Message, err error) {
	answered := map[string]*chat.Message{} // by connection
	wanted := chat.PullRequest{Chat: Chat(device), Reverse: true, Limit: pageSize}
	for range maxPages {
		page, err := messages.Pull(ctx, wanted)
		if err != nil {
			return Entry{}, nil, err
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			e, ok := Read(m.Text)
			switch {
			case !ok || e.UID != a.UID || m.Erased || m.Notice != nil:
			case e.Kind == Response:
				answered[e.Connection] = m
			case e.Kind == Request && (a.Connection == "" || a.Connection == e.Connection):
				return e, answered[e.Connection], nil
			}
		}
		if wanted.Cursor = page.NextCursor; !page.HasMore {
			break
		}
	}
	return Entry{}, nil, chat.Errorf(chat.NotFound, "the device %s has no request %q among its newest entries", device, a.UID)
}
