package storage

import (
	"github.com/pullchat/pullchat/internal/chat"
	stored "github.com/pullchat/pullchat/internal/entry" // entry is that of a list here
)

// Package entry knows what a log's member is. These are its names here.
const positionDigits = stored.PositionDigits

func encode(m chat.Message) []byte { return stored.Encode(m) }

func appendEncoded(b []byte, m chat.Message) []byte { return stored.Append(b, m) }

func decodeMember(member string) (chat.Message, error) { return stored.Decode(member) }
