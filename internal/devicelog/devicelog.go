// Package devicelog defines the entries in the chat of a device: JSON, written by the device's connections and by back
// ends. It is independent of the transport: devices write over TCP, and back ends answer over HTTP.
package devicelog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// Entry is the text of a message in a device's chat.
type Entry struct {
	Kind         string          `json:"kind"`
	Action       string          `json:"action,omitempty"`
	UID          string          `json:"uid,omitempty"`
	Connection   string          `json:"connection,omitempty"`
	Status       string          `json:"status,omitempty"`
	ErrorCode    string          `json:"errorCode,omitempty"`
	ErrorMessage string          `json:"errorMessage,omitempty"`
	Data         json.RawMessage `json:"data,omitempty"`
}

// The kinds of entries.
const (
	Connected = "connected" // by a connection: it is the newest
	Request   = "request"   // by a device, for back ends
	Response  = "response"  // by a back end, to a request
	Push      = "push"      // by a back end, unasked
)

// MaxUID is the longest uid of a request, in bytes.
const MaxUID = 64

// Chat is the chat of a device.
func Chat(uid string) string { return "device." + uid }

// Read reads an entry. It reports false for any other message.
func Read(text string) (e Entry, ok bool) {
	if json.Unmarshal([]byte(text), &e) != nil {
		return Entry{}, false
	}
	switch e.Kind {
	case Connected, Request:
		return e, true
	case Response, Push:
		return e, e.UID != ""
	}
	return Entry{}, false
}

// Message is the message of an entry. It is stored once for each key of a connection.
func (e Entry) Message(device, sender, key string) chat.Message {
	sum := sha256.Sum256([]byte(e.Connection + " " + key))
	return chat.Message{Chat: Chat(device), Sender: sender, Text: string(jsonobject.Encode(e)), ID: hex.EncodeToString(sum[:16])}
}
