package handler

import (
	"context"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// Words answers the routes of words that are counted.
type Words struct {
	*Handler
	words chat.Words
}

// NewWords returns the routes over words.
func NewWords(h *Handler, words chat.Words) *Words { return &Words{Handler: h, words: words} }

// The names of a word's match.
const (
	wholeWord = "word"
	substring = "substring"
)

func word(w chat.Word, count int64) *api.Word {
	answered := &api.Word{Word: w.Word, Count: count, Match: wholeWord, Since: w.ID}
	if w.Substring {
		answered.Match = substring
	}
	if w.Chat != "" {
		answered.Chat = &w.Chat
	}
	return answered
}

// List answers GET /api/words.
func (w *Words) List(ctx context.Context, c *app.RequestContext) {
	q := chat.TopWords{Chat: query(c, "chat")}
	var limit int64
	if err := (numbers{"since": &q.Since, "limit": &limit}).read(c); err != nil {
		reply.Fail(c, err)
		return
	}
	q.Limit = int(min(limit, 1<<30))
	words, err := w.words.Words(ctx, q)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	answer := &api.WordsResponse{Words: make([]*api.Word, len(words))}
	for i, each := range words {
		answer.Words[i] = word(each.Word, each.Count)
	}
	reply.JSON(c, consts.StatusOK, answer)
}

// Put answers PUT /api/words/{word}.
func (w *Words) Put(ctx context.Context, c *app.RequestContext) {
	asked := chat.Word{Word: c.Param("word"), Chat: query(c, "chat")}
	switch match := query(c, "match"); match {
	case "", wholeWord:
	case substring:
		asked.Substring = true
	default:
		reply.Fail(c, chat.Errorf(chat.InvalidArgument, "match is %q; use %s or %s", match, wholeWord, substring))
		return
	}
	registered, err := w.words.PutWord(ctx, asked)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, word(registered, 0))
}

// Delete answers DELETE /api/words/{word}.
func (w *Words) Delete(ctx context.Context, c *app.RequestContext) {
	if err := w.words.DeleteWord(ctx, query(c, "chat"), c.Param("word")); err != nil {
		reply.Fail(c, err)
		return
	}
	reply.JSON(c, consts.StatusOK, &api.StatusResponse{Status: success})
}
