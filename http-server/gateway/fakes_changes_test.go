package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakeChanges are changes of messages that answer well, or fail as their fakeService does.
type fakeChanges struct{ service *fakeService }

func (f fakeChanges) Change(context.Context, chat.Change) (chat.Receipt, error) {
	return chat.Receipt{SendTime: 2}, f.service.err()
}

func (f fakeChanges) Thread(context.Context, chat.ThreadRequest) (chat.Page, error) {
	return chat.Page{NextCursor: 1}, f.service.err()
}

func (f fakeChanges) Versions(context.Context, chat.VersionsRequest) (chat.VersionPage, error) {
	return chat.VersionPage{Versions: []chat.Version{{SendTime: 1, Sender: "ann", Text: "hi"}}, NextCursor: 2}, f.service.err()
}
