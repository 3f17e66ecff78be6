package storage

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/layout"
)

// sharedArgs are the arguments that all messages of a batch share: the first ones of append_one.lua, and
// append_checked.lua's window.
type sharedArgs struct {
	now, publish, suffix, trims, retention, maxMessages, window string
}

func (s *Store) sharedArgs() sharedArgs {
	o := s.options
	trims := "0"
	if o.Retention > 0 || o.MaxChatMessages > 0 || s.persists.Load() {
		trims = "1"
	}
	return sharedArgs{
		now: s.now(), publish: s.publish, suffix: s.keys.Channel(""), trims: trims, retention: strconv.FormatInt(o.Retention.Microseconds(), 10),
		maxMessages: strconv.Itoa(o.MaxChatMessages), window: strconv.FormatInt(o.IdempotencyWindow.Microseconds(), 10),
	}
}

// now is the time for scripts: "" selects Redis's own clock.
func (s *Store) now() string {
	if s.options.Clock == nil {
		return ""
	}
	return strconv.FormatInt(s.options.Clock().UnixMicro(), 10)
}

// inlineBytes is the largest stored message that a hint carries.
const inlineBytes = 1024

// The limits of strings for append.lua and append_checked.lua: for all messages together, and for each.
const (
	sharedStrings  = 8
	plainStrings   = 3
	checkedStrings = 13
	// and those of a message with content: four keys, the position that it answers, the count of mentioned users, an attachment
	// and its sender
	contentStrings = 8 + chat.MaxMentions
)

// appendArgs returns the arguments of append.lua for the messages at indices. If one of them is not plain, they are
// those of append_checked.lua.
func appendArgs(shared sharedArgs, appends []listedAppend, indices []int) []any {
	plain, bytes, more := true, 0, 0
	for _, i := range indices {
		a := &appends[i]
		plain = plain && a.plain()
		if a.replies() || a.mentions() || a.Attachment != "" {
			more += contentStrings
		}
		bytes += 1 + stringBytes + len(a.Message.Text) + 2*len(a.Chat.String()) + 3*len(a.Message.Sender) + 2*len(a.Message.ID)
	}
	hash, each := appendScript.Hash(), plainStrings
	if !plain {
		hash, each = checkedScript.Hash(), checkedStrings
	}
	b := argBuilder{
		args:    make([]any, 0, 3+sharedStrings+each*len(indices)+more),
		strings: make([]string, 0, sharedStrings+each*len(indices)+more),
		buffer:  make([]byte, 0, bytes),
	}
	b.args = append(b.args, "evalsha", hash, 0)
	for _, i := range indices {
		b.keys(&appends[i], plain)
	}
	b.args[2] = len(b.strings)
	b.add(shared.now, shared.publish, shared.suffix, shared.trims, shared.retention, shared.maxMessages, "")
	followed := &b.strings[len(b.strings)-1]
	if !plain {
		b.add(shared.window)
	}
	carries := make([]byte, len(indices))
	for k, i := range indices {
		stored := b.message(&appends[i], plain)
		carries[k] = '0'
		if stored <= inlineBytes && appends[i].partition.Followed.Load() {
			carries[k] = '1'
		}
	}
	*followed = unsafe.String(unsafe.SliceData(carries), len(carries))
	return b.args
}

// stringBytes is the size of a message's strings besides its text and names: key prefixes and the encoding.
const stringBytes = 128

// argBuilder collects arguments without an allocation for each. go-redis takes interfaces, and a string in an interface
// allocates. So go-redis gets pointers to strings of one slice; strings built here are parts of one buffer.
type argBuilder struct {
	args    []any
	strings []string // never grows: args point into it
	buffer  []byte
}

func (b *argBuilder) add(values ...string) {
	for _, value := range values {
		b.strings = append(b.strings, value)
		b.args = append(b.args, &b.strings[len(b.strings)-1])
	}
}

// since returns the string appended to the buffer after a length. The buffer may grow; returned strings stay valid.
func (b *argBuilder) since(length int) string {
	made := b.buffer[length:]
	return unsafe.String(unsafe.SliceData(made), len(made)) // these bytes never change
}

func (b *argBuilder) joined(parts ...string) string {
	from := len(b.buffer)
	for _, part := range parts {
		b.buffer = append(b.buffer, part...)
	}
	return b.since(from)
}

// keys adds a message's KEYS.
func (b *argBuilder) keys(a *listedAppend, plain bool) {
	name := a.Chat.String()
	b.add(a.partition.Activity, b.joined(a.partition.Log, name))
	if plain {
		return
	}
	if a.Message.ID != "" {
		b.add(b.joined(a.partition.IDs, name))
	}
	if a.Member != "" {
		b.add(b.joined(a.partition.Tag, ":"+layout.RoomKey+":", name), b.joined(a.partition.Tag, ":"+layout.MembersKey+":", name))
	} else if a.Exists {
		b.add(b.joined(a.partition.Tag, ":"+layout.RoomKey+":", name))
	}
	if a.mentions() {
		b.add(b.joined(a.partition.Tag, ":"+layout.RoomKey+":", name), b.joined(a.partition.Tag, ":"+layout.MembersKey+":", name))
	}
	if a.replies() {
		b.add(b.joined(a.partition.Tag, ":"+layout.ThreadsKey+":", name))
	}
	if a.Attachment != "" {
		b.add(b.joined(a.partition.Tag, ":"+layout.AttachmentsKey+":", name))
	}
	for _, list := range a.lists {
		if list != "" {
			b.add(list)
		}
	}
}

// message adds a message's ARGV, and returns the size of its stored form.
func (b *argBuilder) message(a *listedAppend, plain bool) int {
	from := len(b.buffer)
	b.buffer = layout.AppendEncoded(b.buffer, a.Message)
	message := b.since(from)
	b.add(message)
	if plain {
		return len(message)
	}
	b.add(b.steps(a))
	if a.Message.ID != "" {
		b.add(b.joined(a.Message.Sender, "/", a.Message.ID), layout.TextDigest(a.Message.Text))
	}
	if a.Member != "" {
		b.add(a.Member)
	}
	if a.mentions() {
		b.add(strconv.Itoa(len(a.Message.Content.Mentions)))
		b.add(a.Message.Content.Mentions...)
	}
	if a.replies() {
		b.add(fmt.Sprintf("%016d", a.Message.Content.ReplyTo))
	}
	if a.Attachment != "" {
		b.add(a.Attachment, a.Message.Sender)
	}
	if a.lists[0] != "" {
		b.add(listScore(a.Chat))
	}
	return len(message)
}

// steps encodes the steps of append_checked.lua for a message.
func (b *argBuilder) steps(a *listedAppend) string {
	from := len(b.buffer)
	for _, step := range []struct {
		taken  bool
		letter byte
	}{
		{a.listed, 'l'},
		{a.Message.ID != "", 'i'},
		{a.Member != "", 'm'},
		{a.Member == "" && a.Exists, 'r'},
		{a.mentions(), 'n'},
		{a.replies(), 't'},
		{a.Attachment != "", 'a'},
		{a.lists[0] != "" && a.lists[1] == "", '1'},
		{a.lists[1] != "", '2'},
	} {
		if step.taken {
			b.buffer = append(b.buffer, step.letter)
		}
	}
	return b.since(from)
}

// listScore is a chat's score in the list of its sender: see keys_user.go of package layout.
func listScore(id chat.ID) string {
	if id.IsRoom() {
		return "-1"
	}
	return "0"
}
