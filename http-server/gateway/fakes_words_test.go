package gateway

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
)

// fakeWords are words that are counted, likewise.
type fakeWords struct {
	registered
	service *fakeService
}

// registered is the method of words that gateways do not use.
type registered struct{ chat.Words }

func (f fakeWords) Words(context.Context, chat.TopWords) ([]chat.WordCount, error) {
	return []chat.WordCount{{Word: chat.Word{Word: "lunch", ID: 1}, Count: 2}, {Word: chat.Word{Word: "tea", ID: 2, Substring: true, Chat: "room"}}}, f.service.err()
}

func (f fakeWords) PutWord(_ context.Context, w chat.Word) (chat.Word, error) {
	w.ID = 1
	return w, f.service.err()
}

func (f fakeWords) DeleteWord(context.Context, string, string) error { return f.service.err() }
