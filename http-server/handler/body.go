package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/bytedance/sonic"
	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/internal/chat"
)

// readBody returns the request's JSON body, empty if there is none. Hertz streams bodies, so that readBody can refuse a body
// that is too large in the error shape, without reading it.
func (h *Handler) readBody(c *app.RequestContext) ([]byte, error) {
	if c.Request.Header.ContentLength() > h.config.MaxBodyBytes {
		return nil, h.tooLarge(c)
	}
	body, err := h.readAll(c)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.SetConnectionClose()
		return nil, chat.Wrap(errSlowBody, chat.DeadlineExceeded, "the body did not arrive in time; nothing was stored")
	case err != nil && c.Request.Header.ContentLength() < 0:
		c.SetConnectionClose()
		return nil, chat.Wrap(err, chat.InvalidArgument, "the body ended too early, or is not made of the chunks that Transfer-Encoding promises")
	case err != nil:
		c.SetConnectionClose()
		return nil, chat.Wrap(err, chat.InvalidArgument, "the body ended too early")
	case len(body) > h.config.MaxBodyBytes:
		return nil, h.tooLarge(c)
	case len(body) == 0:
		return nil, nil
	}
	if coding := string(c.GetHeader("Content-Encoding")); coding != "" && !strings.EqualFold(coding, "identity") {
		c.Response.Header.Set("Accept-Encoding", "identity") // RFC 9110, 15.5.16
		return nil, chat.Errorf(chat.UnsupportedMediaType, "the body is encoded as %q; send it as it is, without Content-Encoding", coding)
	}
	return body, checkMediaType(string(c.ContentType()))
}

// readJSON reads a required body into a generated request.
func (h *Handler) readJSON(c *app.RequestContext, into any) error {
	body, err := h.readBody(c)
	if err != nil {
		return err
	}
	if Changes(c) {
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

// errSlowBody marks a deadline that the client missed, not a server behind.
var errSlowBody = errors.New("the request took too long to arrive")

// readAll reads a body of known length into a buffer of that length, and of any other body at most one byte too many.
func (h *Handler) readAll(c *app.RequestContext) ([]byte, error) {
	if !c.Request.IsBodyStream() {
		return c.Request.Body(), nil
	}
	if length := c.Request.Header.ContentLength(); length >= 0 {
		body := make([]byte, length)
		_, err := io.ReadFull(c.RequestBodyStream(), body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(c.RequestBodyStream(), int64(h.config.MaxBodyBytes)+1))
}

// tooLarge also closes the connection: the rest of the body is not worth reading.
func (h *Handler) tooLarge(c *app.RequestContext) error {
	c.SetConnectionClose()
	return chat.Errorf(chat.TooLarge, "the body is larger than %d bytes", h.config.MaxBodyBytes)
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

// fastJSON is as strict about strings as the standard library, and copies them out of the body.
var fastJSON = sonic.Config{CopyString: true, ValidateString: true}.Froze()

// decodeJSON reads one JSON object into a generated request. Field names match without regard to case, unknown ones
// are ignored. Whole numbers may be written like 10.0 and 1e3. Half of a surrogate pair is refused anywhere.
func decodeJSON(body []byte, into any) error {
	if err := utf8Object(body); err != nil {
		return err
	}
	if readHot(body, into) {
		return nil
	}
	// Valid first: the fast decoder misses a wrong escape in an unknown field before an escaped name.
	if json.Valid(body) {
		if !pairsSurrogates(body) {
			return chat.Errorf(chat.InvalidArgument, `the body is not valid JSON: a string has half of a surrogate pair, like \ud83d, which is no character`)
		}
		if fastJSON.Unmarshal(body, into) == nil {
			return nil
		}
	}
	// The standard library repeats a failed decoding, because its errors name the field.
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if plain, changed := plainIntegers(body); changed {
			err = json.Unmarshal(plain, into)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return wrongType(wrong.Field, typeNames[wrong.Type.Kind().String()])
	default:
		return chat.Errorf(chat.InvalidArgument, "the body is not valid JSON: %v", err)
	}
}

func utf8Object(body []byte) error {
	if !utf8.Valid(body) {
		return chat.Errorf(chat.InvalidArgument, "the body is not valid UTF-8")
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return chat.Errorf(chat.InvalidArgument, `the body is not a JSON object like {"chat":"alice:bob"}`)
	}
	return nil
}

var typeNames = map[string]string{"string": "a string", "int64": "a whole number", "bool": "true or false", "slice": "a list", "struct": `a whole number or "end"`}

func wrongType(field, expected string) error {
	return chat.Errorf(chat.InvalidArgument, "%s is not %s", field, expected)
}
