package rpcclient

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc/imservice"
	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/wire"
)

var _ chat.Words = (*Client)(nil)

// Counts implements chat.Projections.
func (c *Client) Counts(ctx context.Context, q chat.CountsQuery) ([]chat.Count, error) {
	return ask(ctx, c, reads, imservice.Client.Counts,
		wire.CountsRequest(q, caller(ctx), logging.RequestID(ctx)), wire.CountsOf)
}

// PutWord implements chat.Words. A repeated one changes nothing.
func (c *Client) PutWord(ctx context.Context, w chat.Word) (chat.Word, error) {
	return ask(ctx, c, reads, imservice.Client.PutWord,
		wire.PutWordRequest(w, caller(ctx), logging.RequestID(ctx)), wire.PutWordOf)
}

// DeleteWord implements chat.Words. A repeated one may say that the word is not registered.
func (c *Client) DeleteWord(ctx context.Context, of, word string) error {
	return tell(ctx, c, reads, imservice.Client.DeleteWord,
		wire.DeleteWordRequest(of, word, caller(ctx), logging.RequestID(ctx)), wire.WordDeletedOf)
}

// Words implements chat.Words.
func (c *Client) Words(ctx context.Context, q chat.TopWords) ([]chat.WordCount, error) {
	return ask(ctx, c, reads, imservice.Client.Words,
		wire.WordsRequest(q, caller(ctx), logging.RequestID(ctx)), wire.WordsOf)
}

// RegisteredWords implements chat.Words.
func (c *Client) RegisteredWords(ctx context.Context, known int64) (chat.WordRegistry, error) {
	return ask(ctx, c, reads, imservice.Client.RegisteredWords,
		wire.RegisteredWordsRequest(known, caller(ctx), logging.RequestID(ctx)), wire.RegisteredWordsOf)
}
