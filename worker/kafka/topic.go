package kafka

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxTopic is the longest name that Kafka allows.
	maxTopic = 249
	// placeholder stands for the chat in a template.
	placeholder = "{room}"
	// hashed is the length of "__" and a hash, which replace the end of a name that is too long.
	hashed = 2 + 32
)

// topics maps chats to topics.
type topics struct {
	before, after string
	each          bool // a topic for each chat; else all chats have the topic before
}

// parseTopics parses a topic, or a template of topics.
func parseTopics(text string) (topics, error) {
	before, after, each := strings.Cut(text, placeholder)
	t := topics{before, after, each}
	switch {
	case text == "":
		return t, nil
	case !each:
		return t, checkTopic(text)
	case strings.ContainsFunc(before+after, isForeign):
		return t, fmt.Errorf("%q has characters other than a-z, A-Z, 0-9, dot, hyphen and underscore beside one %s", text, placeholder)
	case len(before)+len(after) > maxTopic-hashed-1:
		return t, fmt.Errorf("%q leaves no space for the chat: a topic has at most %d characters", text, maxTopic)
	}
	return t, nil
}

// isForeign reports whether a topic cannot have the character.
func isForeign(r rune) bool {
	return r >= utf8.RuneSelf || !isPlain(byte(r)) && r != '.' && r != '_'
}

// isPlain reports whether a byte stands for itself in the topic of a chat.
func isPlain(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '-'
}

// checkTopic returns why Kafka has no topic of this name, or nil.
func checkTopic(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("%q is no name of a topic", name)
	case len(name) > maxTopic:
		return fmt.Errorf("a topic of %d characters is too long; at most %d", len(name), maxTopic)
	case strings.ContainsFunc(name, isForeign):
		return errors.New("a topic has a-z, A-Z, 0-9, dot, hyphen and underscore only")
	}
	return nil
}

// of returns the topic of a chat. Different chats have different topics, also for brokers, to which dots and underscores are
// the same in the names of metrics.
func (t topics) of(chat string) string {
	if !t.each {
		return t.before
	}
	name := escape(chat)
	if space := maxTopic - len(t.before) - len(t.after); len(name) > space {
		sum := sha256.Sum256([]byte(chat))
		name = name[:space-hashed] + "__" + hex.EncodeToString(sum[:])[:hashed-2]
	}
	return t.before + name + t.after
}

// mayBe reports whether a topic may be that of a chat.
func (t topics) mayBe(name string) bool {
	if !t.each {
		return name == t.before
	}
	return len(name) > len(t.before)+len(t.after) && strings.HasPrefix(name, t.before) && strings.HasSuffix(name, t.after)
}

// escape replaces each byte of a chat's id other than a-z, A-Z, 0-9 and hyphen by "_" and two hexadecimal digits.
func escape(chat string) string {
	var escaped strings.Builder
	for i := range len(chat) {
		if b := chat[i]; isPlain(b) {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "_%02x", b)
		}
	}
	return escaped.String()
}
