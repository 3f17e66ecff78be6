package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// NewAttachment announces a file of a chat.
type NewAttachment struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender,omitempty"` // with the user's own token it may be ""
	Name   string `json:"name"`             // of the file, without a path
	Bytes  int64  `json:"bytes"`
	Type   string `json:"type"`             // the media type
	SHA256 string `json:"sha256,omitempty"` // in hexadecimal digits: the upload is compared with it
}

// Attachment is the metadata of a file. A message has an attachment if its content is of the type image, video, audio
// or file, and its body is {"attachment": ID}.
type Attachment struct {
	ID       string `json:"id"`
	Chat     string `json:"chat"`
	Sender   string `json:"sender"`
	Name     string `json:"name"`
	Bytes    int64  `json:"bytes"`
	Type     string `json:"type"`
	SHA256   string `json:"sha256,omitempty"`
	State    string `json:"state"`               // pending, confirmed or sent
	Created  int64  `json:"created"`             // microseconds since 1970
	SendTime int64  `json:"send_time,omitempty"` // of its message
}

// SignedAttachment is an attachment, and a request that anyone who knows it may make until it expires. It needs no token.
type SignedAttachment struct {
	Attachment Attachment        `json:"attachment"`
	URL        string            `json:"url"`
	Method     string            `json:"method"`
	Headers    map[string]string `json:"headers"` // which the request must have
	Expires    int64             `json:"expires"` // microseconds since 1970
}

// CreateAttachment announces a file, and returns the request that uploads it. Upload does all that is needed.
func (c *Client) CreateAttachment(ctx context.Context, n NewAttachment) (SignedAttachment, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return SignedAttachment{}, err
	}
	var signed SignedAttachment
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/attachments", body: body}, &signed)
	return signed, err
}

// ConfirmAttachment reports that a file was uploaded. It may be repeated. as is the user on whose behalf a service
// asks, or "".
func (c *Client) ConfirmAttachment(ctx context.Context, chat, id, as string) (Attachment, error) {
	fields := map[string]string{"chat": chat}
	if as != "" {
		fields["as"] = as
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return Attachment{}, err
	}
	var confirmed Attachment
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/attachments/" + url.PathEscape(id), body: body}, &confirmed)
	return confirmed, err
}

// ReadAttachment returns the request that downloads a file: for all who may read its message, and before there is one for its
// sender.
func (c *Client) ReadAttachment(ctx context.Context, chat, id, as string) (SignedAttachment, error) {
	query := url.Values{"chat": {chat}}
	if as != "" {
		query.Set("as", as)
	}
	var signed SignedAttachment
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/attachments/" + url.PathEscape(id) + "?" + query.Encode()}, &signed)
	return signed, err
}

// Upload announces a file, uploads it and confirms it. n.Bytes and n.SHA256 are found by reading the file twice. A later call
// of Send has it, with Attached.
func (c *Client) Upload(ctx context.Context, n NewAttachment, file io.ReadSeeker) (Attachment, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return Attachment{}, fmt.Errorf("read the file: %w", err)
	}
	n.Bytes, n.SHA256 = size, hex.EncodeToString(hash.Sum(nil))
	signed, err := c.CreateAttachment(ctx, n)
	if err != nil {
		return Attachment{}, err
	}
	if err := c.put(ctx, signed, io.LimitReader(file, size), size); err != nil {
		return Attachment{}, err
	}
	return c.ConfirmAttachment(ctx, n.Chat, signed.Attachment.ID, n.Sender)
}

// put makes the request that uploads a file. It is not repeated: the file can be read once.
func (c *Client) put(ctx context.Context, signed SignedAttachment, file io.Reader, size int64) error {
	upload, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, io.NopCloser(file))
	if err != nil {
		return err
	}
	upload.ContentLength = size
	for name, value := range signed.Headers {
		upload.Header.Set(name, value)
	}
	answered, err := do(c.http, upload)
	if err != nil {
		return fmt.Errorf("upload: %w", withoutQuery(err))
	}
	if answered.status/100 != 2 {
		return fmt.Errorf("upload: the store of files answered %s: %.200s", answered.line, strings.TrimSpace(string(answered.body)))
	}
	return nil
}

// withoutQuery removes the signature from an error's URL.
func withoutQuery(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		failed.URL, _, _ = strings.Cut(failed.URL, "?")
	}
	return err
}

// Download returns a file. The caller closes it.
func (c *Client) Download(ctx context.Context, chat, id, as string) (Attachment, io.ReadCloser, error) {
	signed, err := c.ReadAttachment(ctx, chat, id, as)
	if err != nil {
		return Attachment{}, nil, err
	}
	download, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, nil)
	if err != nil {
		return Attachment{}, nil, err
	}
	for name, value := range signed.Headers {
		download.Header.Set(name, value)
	}
	response, err := c.http.Do(download)
	if err != nil {
		return Attachment{}, nil, fmt.Errorf("download: %w", withoutQuery(err))
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return Attachment{}, nil, fmt.Errorf("download: the store of files answered %s", response.Status)
	}
	return signed.Attachment, response.Body, nil
}

// Attached returns the content of a message that has an attachment: an image, a video, audio or a file, by its type.
func Attached(a Attachment) *Content {
	kind, _, _ := strings.Cut(a.Type, "/")
	switch kind {
	case "image", "video", "audio":
	default:
		kind = "file"
	}
	body, _ := json.Marshal(map[string]string{"attachment": a.ID}) // strings have a form
	return &Content{ContentType: kind, Body: body}
}
