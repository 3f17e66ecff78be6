package chat

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxFileName bounds the name of an attachment's file, in bytes.
const MaxFileName = 255

// leastCharge is the smallest charge of a file to its user's quota: its metadata takes memory.
const leastCharge = 4 << 10

// FileCharge returns the charge of a file to its user's quota.
func FileCharge(bytes int64) int64 { return max(bytes, leastCharge) }

// check validates an announced file. It returns the media type in lower case.
func (o AttachmentOptions) check(n *NewAttachment) error {
	switch {
	case n.Name == "" || len(n.Name) > MaxFileName || !utf8.ValidString(n.Name):
		return Errorf(InvalidArgument, "name is %d bytes; it is 1 to %d bytes of UTF-8", len(n.Name), MaxFileName)
	case strings.ContainsAny(n.Name, `/\`) || strings.ContainsFunc(n.Name, isUnprintable) || n.Name == "." || n.Name == "..":
		return Errorf(InvalidArgument, "name is %q; give the name of a file, without a path and without control characters", n.Name)
	case n.Bytes < 1:
		return Errorf(InvalidArgument, "bytes is %d; give the size of the file", n.Bytes)
	case n.Bytes > o.MaxBytes:
		return Errorf(TooLarge, "the file is %d bytes; the limit is %d", n.Bytes, o.MaxBytes)
	}
	n.Type = strings.ToLower(n.Type)
	if !isMediaType(n.Type) {
		return Errorf(InvalidArgument, "type is %q; give a media type, such as image/png, without parameters", n.Type)
	}
	if !o.allows(n.Type) {
		return Errorf(UnsupportedMediaType, "files of the type %s are not allowed here; %s are", n.Type, strings.Join(o.Types, ", "))
	}
	n.SHA256 = strings.ToLower(n.SHA256)
	if sum, err := hex.DecodeString(n.SHA256); n.SHA256 != "" && (err != nil || len(sum) != 32) {
		return Errorf(InvalidArgument, "sha256 is not 64 hexadecimal digits")
	}
	return nil
}

// isUnprintable also reports characters that change the direction of a text, which make a name look like another one.
func isUnprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// isMediaType reports whether a text is a type and a subtype of RFC 6838.
func isMediaType(text string) bool {
	kind, sub, found := strings.Cut(text, "/")
	return found && isToken(kind) && isToken(sub)
}

func isToken(text string) bool {
	return text != "" && len(text) <= 127 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+") == ""
}

// CheckTypePattern returns why a text is not one of AttachmentOptions.Types, or nil.
func CheckTypePattern(text string) error {
	kind, sub, _ := strings.Cut(text, "/")
	if text == "*/*" || isToken(kind) && (sub == "*" || isToken(sub)) {
		return nil
	}
	return fmt.Errorf("%q is not a media type, such as image/png, image/* or */*", text)
}

func (o AttachmentOptions) allows(mediaType string) bool {
	kind, _, _ := strings.Cut(mediaType, "/")
	for _, pattern := range o.Types {
		if pattern == "*/*" || pattern == mediaType || pattern == kind+"/*" {
			return true
		}
	}
	return false
}

// shown are the media types that a browser may show in place. None of them can run a script: SVG, HTML and PDF can.
var shown = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true, "image/bmp": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/aac": true, "audio/ogg": true, "audio/opus": true, "audio/wav": true, "audio/webm": true, "audio/flac": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true, "video/quicktime": true,
}

// file returns an attachment as a FileStore sees it. All but media that cannot run a script is a download without a type.
func (a *Attachment) file() File {
	f := File{ID: a.ID, Bytes: a.Bytes, Type: a.Type, SHA256: a.SHA256}
	if shown[a.Type] {
		f.Disposition, f.ServedAs = disposition("inline", a.Name), a.Type
	} else {
		f.Disposition, f.ServedAs = disposition("attachment", a.Name), "application/octet-stream"
	}
	return f
}

// disposition is the header Content-Disposition (RFC 6266), with the name in ASCII, and as it is (RFC 8187).
func disposition(kind, name string) string {
	var ascii, extended strings.Builder
	for _, r := range name {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"\%;`, r) {
			r = '_'
		}
		ascii.WriteRune(r)
	}
	for _, b := range []byte(name) {
		if b < utf8.RuneSelf && (unicode.IsLetter(rune(b)) || unicode.IsDigit(rune(b)) || strings.IndexByte("!#$&+-.^_`|~", b) >= 0) {
			extended.WriteByte(b)
		} else {
			fmt.Fprintf(&extended, "%%%02X", b)
		}
	}
	text := kind + `; filename="` + ascii.String() + `"`
	if ascii.String() != name {
		text += "; filename*=UTF-8''" + extended.String()
	}
	return text
}

// AttachmentOf returns the attachment that a message's body names, or "".
func AttachmentOf(c *Content) string {
	if c == nil || c.Body == "" || !isMedia(c.Type) || !strings.Contains(string(c.Body), `"attachment"`) {
		return ""
	}
	var body struct {
		Attachment string `json:"attachment"`
	}
	_ = json.Unmarshal([]byte(c.Body), &body) // bodies of earlier releases may have anything
	return body.Attachment
}

func isMedia(contentType string) bool {
	switch contentType {
	case "image", "video", "audio", "file":
		return true
	}
	return false
}

// withAttachment returns a body with the server's metadata of its attachment.
func withAttachment(body Object, a Attachment) (Object, error) {
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		return "", Errorf(InvalidArgument, "body is not a JSON object")
	}
	fields["attachment"], fields["name"], fields["size"], fields["mime"] = a.ID, a.Name, a.Bytes, a.Type
	text, err := json.Marshal(fields)
	if err != nil {
		return "", Wrap(err, InvalidArgument, "body is not a JSON object")
	}
	return Object(text), nil
}

// NoAttachment is the error for a message with a file that its sender may not attach.
func NoAttachment(attachment string) error {
	return Errorf(NotFound, "body.attachment is %q, and the sender has no confirmed attachment of that id in this chat; POST /api/attachments creates one", attachment)
}

// AttachmentTaken is the error for a second message with a file.
func AttachmentTaken(attachment string) error {
	return Errorf(Conflict, "the attachment %s is in a message already; create another one", attachment)
}
