package storage

import (
	"github.com/pullchat/pullchat/internal/chat"
	stored "github.com/pullchat/pullchat/internal/entry" // entry is that of a list here
)

// Package entry defines a log's members. These are its names here.
const positionDigits = stored.PositionDigits

func encode(m chat.Message) []byte { return stored.Encode(m) }

func appendEncoded(b []byte, m chat.Message) []byte { return stored.Append(b, m) }

func decodeMember(member string) (chat.Message, error) { return stored.Decode(member) }

// checkHeads returns the error of the first member whose head cannot be read.
func checkHeads(members []string) error {
	for _, member := range members {
		if _, err := stored.ReadHead(member); err != nil {
			return err
		}
	}
	return nil
}

// headOf returns the head of a member that has passed checkHeads.
func headOf(member string) chat.Head {
	head, _ := stored.ReadHead(member)
	return head
}
