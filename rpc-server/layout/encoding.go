package layout

import (
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/entry"
)

// Package entry defines a log's members. These are its names here.

// PositionDigits is how many digits a member begins with: its position.
const PositionDigits = entry.PositionDigits

// Encode returns a message as a member has it after the position.
func Encode(m chat.Message) []byte { return entry.Encode(m) }

// AppendEncoded appends the result of Encode.
func AppendEncoded(b []byte, m chat.Message) []byte { return entry.Append(b, m) }

// DecodeMember returns the message of a member.
func DecodeMember(member string) (chat.Message, error) { return entry.Decode(member) }

// CheckHeads returns the error of the first member whose head cannot be read, and whether any is a change of a message.
func CheckHeads(members []string) (changes bool, err error) {
	for _, member := range members {
		head, err := entry.ReadHead(member)
		if err != nil {
			return false, err
		}
		changes = changes || head.Kind == chat.KindChange
	}
	return changes, nil
}

// EncodeMember returns a message as a member of a log.
func EncodeMember(m chat.Message) string { return string(entry.AppendMember(nil, m)) }

// HeadOf returns the head of a member that has passed CheckHeads.
func HeadOf(member string) chat.Head {
	head, _ := entry.ReadHead(member)
	return head
}
