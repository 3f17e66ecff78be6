package handler

import (
	"context"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/gen/rpc"
	"github.com/pullchat/pullchat/internal/wire"
)

// ofWords is ask of words.
func ofWords[Result any](
	ctx context.Context, h *Handler, method string, r any, do func(context.Context, chat.Words) (Result, error),
) (Result, error) {
	return ask(ctx, h, h.services.Words, "words", method, r, do)
}

// Counts returns counters of a projection.
func (h *Handler) Counts(ctx context.Context, r *rpc.CountsRequest) (*rpc.CountsResponse, error) {
	r = orEmpty(r)
	return wire.CountsResponse(ofProjections(ctx, h, "Counts", r, func(ctx context.Context, p chat.Projections) ([]chat.Count, error) {
		return p.Counts(ctx, wire.CountsQueryOf(r))
	})), nil
}

// PutWord registers a word.
func (h *Handler) PutWord(ctx context.Context, r *rpc.PutWordRequest) (*rpc.PutWordResponse, error) {
	r = orEmpty(r)
	return wire.PutWordResponse(ofWords(ctx, h, "PutWord", r, func(ctx context.Context, w chat.Words) (chat.Word, error) {
		return w.PutWord(ctx, wire.WordToPutOf(r))
	})), nil
}

// DeleteWord removes a word.
func (h *Handler) DeleteWord(ctx context.Context, r *rpc.DeleteWordRequest) (*rpc.DeleteWordResponse, error) {
	r = orEmpty(r)
	_, err := ofWords(ctx, h, "DeleteWord", r, func(ctx context.Context, w chat.Words) (struct{}, error) {
		return done(w.DeleteWord(ctx, r.GetChat(), r.Word))
	})
	return wire.DeleteWordResponse(err), nil
}

// Words returns the most frequent words.
func (h *Handler) Words(ctx context.Context, r *rpc.WordsRequest) (*rpc.WordsResponse, error) {
	r = orEmpty(r)
	return wire.WordsResponse(ofWords(ctx, h, "Words", r, func(ctx context.Context, w chat.Words) ([]chat.WordCount, error) {
		return w.Words(ctx, wire.TopWordsOf(r))
	})), nil
}

// RegisteredWords returns all words.
func (h *Handler) RegisteredWords(ctx context.Context, r *rpc.RegisteredWordsRequest) (*rpc.RegisteredWordsResponse, error) {
	r = orEmpty(r)
	return wire.RegisteredWordsResponse(ofWords(ctx, h, "RegisteredWords", r, func(ctx context.Context, w chat.Words) (chat.WordRegistry, error) {
		return w.RegisteredWords(ctx, r.GetKnown())
	})), nil
}
