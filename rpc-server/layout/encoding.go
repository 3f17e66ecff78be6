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

// AppendEncoded appends what Encode returns.
func AppendEncoded(b []byte, m chat.Message) []byte { return entry.Append(b, m) }

// DecodeMember returns the message of a member.
func DecodeMember(member string) (chat.Message, error) { return entry.Decode(member) }

// CheckHeads returns the error of the first member whose head cannot be read.
func CheckHeads(members []string) error {
	for _, member := range members {
		if _, err := entry.ReadHead(member); err != nil {
			return err
		}
	}
	return nil
}

// HeadOf returns the head of a member that has passed CheckHeads.
func HeadOf(member string) chat.Head {
	head, _ := entry.ReadHead(member)
	return head
}
