package chat

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"slices"
	"unicode/utf8"
)

// Bounds of a message's content.
const (
	MaxMetadataBytes = 2 << 10
	MaxBodyBytes     = 16 << 10
	MaxMentions      = 50
	maxObjectDepth   = 32
)

// TypeText is the content type of a message that has only a text. It is stored as "".
const TypeText = "text"

// ContentTypes are the valid content types. Each checks its body, whose values are of encoding/json.
var contentTypes = map[string]func(body map[string]any) error{
	"json":     func(map[string]any) error { return nil },
	"image":    checkMedia,
	"video":    checkMedia,
	"audio":    checkMedia,
	"file":     checkMedia,
	"location": checkLocation,
	"form":     checkForm,
}

// checkContent validates the content of a message beside its text, and returns the stored form; nil for none. The store
// checks that ReplyTo is a message, and that Mentions of a room are members.
func checkContent(id ID, c *Content) (*Content, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	checked := Content{ReplyTo: c.ReplyTo}
	if c.ReplyTo < 0 || c.ReplyTo > MaxSendTime {
		return nil, Errorf(InvalidArgument, "reply_to is %d; give the send_time of the message to answer", c.ReplyTo)
	}
	var err error
	if checked.Mentions, err = checkMentions(id, c.Mentions); err != nil {
		return nil, err
	}
	if checked.Metadata, err = compact("metadata", c.Metadata, MaxMetadataBytes); err != nil {
		return nil, err
	}
	if checked.Body, err = compact("body", c.Body, MaxBodyBytes); err != nil {
		return nil, err
	}
	if checked.Type, err = checkType(c.Type, checked.Body); err != nil {
		return nil, err
	}
	if checked.ReplyTo == 0 && checked.Mentions == nil && checked.Metadata == "" && checked.Type == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	return &checked, nil
}

// checkMentions returns each mentioned user once.
func checkMentions(id ID, users []string) ([]string, error) {
	if len(users) == 0 {
		return nil, nil
	}
	if len(users) > MaxMentions {
		return nil, Errorf(InvalidArgument, "mentions has %d users; the limit is %d", len(users), MaxMentions)
	}
	first, second, pair := id.Users()
	for _, user := range users {
		if err := checkName("mentions", user); err != nil {
			return nil, err
		}
		if pair && user != first && user != second {
			return nil, notMentioned(user)
		}
	}
	unique, err := uniqueNames(users)
	return unique, err
}

func notMentioned(user string) error {
	return Errorf(InvalidArgument, "mentions has %s, who is not in this chat", user)
}

// NotMentioned is the error for mentions of users who are not members of the room.
func NotMentioned(id ID) error {
	return Errorf(InvalidArgument, "mentions has a user who is not a member of %s", id)
}

// NoParent is the error for an answer to a message that is not there.
func NoParent(position int64) error {
	return Errorf(NotFound, "reply_to is %d, and there is no message at that send_time in this chat, or it has expired", position)
}

// compact returns an object without needless spaces, so that it is one line everywhere.
func compact(what string, object Object, limit int) (Object, error) {
	if object == "" {
		return "", nil
	}
	text := []byte(object)
	if !utf8.Valid(text) || !json.Valid(text) || bytes.TrimLeft(text, " \t\r\n")[0] != '{' {
		return "", Errorf(InvalidArgument, "%s is not a JSON object", what)
	}
	var plain bytes.Buffer
	if err := json.Compact(&plain, text); err != nil {
		return "", Errorf(InvalidArgument, "%s is not a JSON object", what)
	}
	if plain.Len() > limit {
		return "", Errorf(InvalidArgument, "%s is %d bytes; the limit is %d", what, plain.Len(), limit)
	}
	if depth(plain.Bytes()) > maxObjectDepth {
		return "", Errorf(InvalidArgument, "%s is nested more than %d deep", what, maxObjectDepth)
	}
	return Object(plain.String()), nil
}

// depth returns how deeply valid JSON is nested.
func depth(text []byte) (deepest int) {
	open, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}

// checkType returns a content type as it is stored.
func checkType(name string, body Object) (string, error) {
	if name == "" || name == TypeText {
		if body != "" {
			return "", Errorf(InvalidArgument, "body needs a content_type: json, image, video, audio, file, location or form")
		}
		return "", nil
	}
	check, known := contentTypes[name]
	if !known {
		return "", Errorf(InvalidArgument, "content_type is %q; it is text, json, image, video, audio, file, location or form", name)
	}
	if body == "" {
		return "", Errorf(InvalidArgument, "a message of content_type %s needs a body", name)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		return "", Errorf(InvalidArgument, "body is not a JSON object")
	}
	return name, check(fields)
}

// checkMedia wants a url or an attachment.
func checkMedia(body map[string]any) error {
	link, isLink := body["url"].(string)
	attachment, isAttached := body["attachment"].(string)
	if !isLink && (!isAttached || attachment == "") {
		return Errorf(InvalidArgument, "body needs url or attachment, a string")
	}
	if isLink {
		if u, err := url.Parse(link); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return Errorf(InvalidArgument, "body.url is not an http or https URL")
		}
	}
	for _, name := range []string{"name", "mime", "caption"} {
		if value, there := body[name]; there {
			if _, is := value.(string); !is {
				return Errorf(InvalidArgument, "body.%s is not a string", name)
			}
		}
	}
	for _, name := range []string{"size", "width", "height", "duration"} {
		if value, there := body[name]; there {
			if n, is := value.(float64); !is || n < 0 {
				return Errorf(InvalidArgument, "body.%s is not a number of 0 or more", name)
			}
		}
	}
	return nil
}

func checkLocation(body map[string]any) error {
	for name, most := range map[string]float64{"latitude": 90, "longitude": 180} {
		if n, is := body[name].(float64); !is || math.Abs(n) > most {
			return Errorf(InvalidArgument, "body.%s is not a number from -%v to %v", name, most, most)
		}
	}
	return nil
}

// checkForm wants fields that have different names.
func checkForm(body map[string]any) error {
	fields, _ := body["fields"].([]any)
	if len(fields) == 0 {
		return Errorf(InvalidArgument, "body.fields is not a list of objects with a name each")
	}
	var names []string
	for _, field := range fields {
		object, _ := field.(map[string]any)
		name, _ := object["name"].(string)
		if name == "" || slices.Contains(names, name) {
			return Errorf(InvalidArgument, "body.fields is not a list of objects with a name each, all different")
		}
		names = append(names, name)
	}
	return nil
}
