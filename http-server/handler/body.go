package handler

import (
	"errors"
	"io"
	"mime"
	"os"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	api "github.com/pullchat/pullchat/internal/gen/http"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// readBody returns the request's JSON body of at most limit bytes, empty if there is none.
func readBody(c *app.RequestContext, limit int) ([]byte, error) {
	body, err := readRaw(c, limit)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	return body, checkMediaType(string(c.ContentType()))
}

// readRaw is readBody for any media type. Hertz streams bodies, so that readRaw can refuse a body that is too large in the
// error shape, without reading it.
func readRaw(c *app.RequestContext, limit int) ([]byte, error) {
	if c.Request.Header.ContentLength() > limit {
		return nil, tooLarge(c, limit)
	}
	body, err := readAll(c, limit)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.SetConnectionClose()
		return nil, chat.Wrap(reply.ErrSlowBody, chat.DeadlineExceeded, "the body did not arrive in time; nothing was stored")
	case err != nil && c.Request.Header.ContentLength() < 0:
		c.SetConnectionClose()
		return nil, chat.Wrap(err, chat.InvalidArgument, "the body ended too early, or is not in the chunks of Transfer-Encoding")
	case err != nil:
		c.SetConnectionClose()
		return nil, chat.Wrap(err, chat.InvalidArgument, "the body ended too early")
	case len(body) > limit:
		return nil, tooLarge(c, limit)
	case len(body) == 0:
		return nil, nil
	}
	if coding := string(c.GetHeader("Content-Encoding")); coding != "" && !strings.EqualFold(coding, "identity") {
		c.Response.Header.Set("Accept-Encoding", "identity") // RFC 9110, 15.5.16
		return nil, chat.Errorf(chat.UnsupportedMediaType, "the body is encoded as %q; send it as it is, without Content-Encoding", coding)
	}
	return body, nil
}

// readJSON reads a required body into a generated request.
func (h *Handler) readJSON(c *app.RequestContext, into any) error {
	return readJSON(c, h.config.MaxBodyBytes, into)
}

// readLong is readJSON for a body that may be longer than others.
func (h *Handler) readLong(c *app.RequestContext, limit int, into any) error {
	return readJSON(c, max(limit, h.config.MaxBodyBytes), into)
}

func readJSON(c *app.RequestContext, limit int, into any) error {
	body, err := readBody(c, limit)
	if err != nil {
		return err
	}
	if request.Changes(c) {
		return decodeChange(body, into)
	}
	return decodeJSON(body, into)
}

// checkNoBody refuses a body that would be mistaken for the data that follows on the connection.
func checkNoBody(c *app.RequestContext) error {
	if length := c.Request.Header.ContentLength(); length > 0 || length == -1 {
		c.SetConnectionClose()
		return chat.Errorf(chat.InvalidArgument, "this request has no body")
	}
	return nil
}

// readAll reads a body of known length into a buffer of that length, and of any other body at most one byte more than limit.
func readAll(c *app.RequestContext, limit int) ([]byte, error) {
	if !c.Request.IsBodyStream() {
		return c.Request.Body(), nil
	}
	if length := c.Request.Header.ContentLength(); length >= 0 {
		body := make([]byte, length)
		_, err := io.ReadFull(c.RequestBodyStream(), body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(c.RequestBodyStream(), int64(limit)+1))
}

// tooLarge also closes the connection: the rest of the body is not worth reading.
func tooLarge(c *app.RequestContext, limit int) error {
	c.SetConnectionClose()
	return chat.Errorf(chat.TooLarge, "the body is larger than %d bytes", limit)
}

// checkMediaType accepts JSON, and a body without a media type. It ignores charset: JSON is always UTF-8 (RFC 8259, 11).
func checkMediaType(contentType string) error {
	if contentType == "" || contentType == "application/json" {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	json := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	if err != nil || !json {
		return chat.Errorf(chat.UnsupportedMediaType, "the body is %q; send JSON with Content-Type: application/json", contentType)
	}
	return nil
}

// decodeJSON reads one JSON object into a generated request, as jsonobject.Decode does.
func decodeJSON(body []byte, into any) error {
	if readHot(body, into) {
		return nil
	}
	return jsonobject.Decode("body", body, into)
}

// decodeChange is decodeJSON for a request that changes something. It refuses unknown fields, because the change would be made
// without them.
func decodeChange(body []byte, into any) error {
	if readHot(body, into) {
		return nil
	}
	return jsonobject.DecodeKnown("body", body, into)
}

// readHot reads the most frequent requests, if these are plain. It reports false for all others: the general decoder
// then decodes the whole body again.
func readHot(body []byte, into any) bool {
	switch r := into.(type) {
	case *api.SendRequest:
		return flat(body, []jsonobject.Field{
			{Name: "chat", Text: &r.Chat},
			{Name: "text", Text: &r.Text},
			{Name: "sender", Text: &r.Sender},
			{Name: "id", Text: &r.Id},
			{Name: "reply_to", Number: &r.ReplyTo},
			{Name: "mentions", List: &r.Mentions},
			{Name: "content_type", Text: &r.ContentType},
			{Name: "body", Object: &r.Body},
			{Name: "metadata", Object: &r.Metadata},
		})
	case *api.PullRequest:
		return flat(body, []jsonobject.Field{
			{Name: "chat", Text: &r.Chat},
			{Name: "cursor", Number: &r.Cursor},
			{Name: "limit", Number: &r.Limit},
			{Name: "reverse", Flag: &r.Reverse},
			{Name: "wait", Text: &r.Wait},
			{Name: "reader", Text: &r.Reader},
			{Name: "unread", Flag: &r.Unread},
		})
	}
	return false
}

func flat(body []byte, fields []jsonobject.Field) bool {
	_, ok := jsonobject.ReadFlat(body, fields)
	return ok
}
