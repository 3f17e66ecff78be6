package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Word is a registered word, which is counted once for each message that contains it. Its methods need a service's token
// where the server has AUTH=on, or, with a room as Chat, the token of one of the room's admins.
type Word struct {
	Word  string `json:"word"`           // in its folded form
	Count int64  `json:"count"`          // messages
	Match string `json:"match"`          // "word", or "substring": it counts also inside of other words
	Chat  string `json:"chat,omitempty"` // the only chat in which it counts; "" is all
	Since int64  `json:"since"`          // when it was registered, in microseconds since 1970
}

// WordsQuery asks for words.
type WordsQuery struct {
	Chat  string // the counts of this chat; "" is the sum of all
	Since int64  // from the hour of this time on, in microseconds since 1970; 0 is always
	Limit int    // 0 is 100
}

// Words returns the words with the most messages, the most frequent first.
func (c *Client) Words(ctx context.Context, q WordsQuery) ([]Word, error) {
	values := url.Values{}
	if q.Chat != "" {
		values.Set("chat", q.Chat)
	}
	if q.Since != 0 {
		values.Set("since", strconv.FormatInt(q.Since, 10))
	}
	if q.Limit != 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	var answer struct{ Words []Word }
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/words?" + values.Encode()}, &answer)
	return answer.Words, err
}

// PutWord registers Word of a Word, with its Match and Chat. It may be repeated.
func (c *Client) PutWord(ctx context.Context, w Word) (Word, error) {
	var answer Word
	err := c.call(ctx, request{method: http.MethodPut, path: wordPath(w)}, &answer)
	return answer, err
}

// DeleteWord removes Word of a Word, registered for Chat. The error is a not_found *Error if it is not registered.
func (c *Client) DeleteWord(ctx context.Context, w Word) error {
	w.Match = ""
	return c.call(ctx, request{method: http.MethodDelete, path: wordPath(w)}, nil)
}

func wordPath(w Word) string {
	values := url.Values{}
	if w.Chat != "" {
		values.Set("chat", w.Chat)
	}
	if w.Match != "" {
		values.Set("match", w.Match)
	}
	return "/api/words/" + url.PathEscape(w.Word) + "?" + values.Encode()
}
