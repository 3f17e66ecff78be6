package chattest

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// ID returns the chat with a name. An invalid name fails the test.
func ID(t testing.TB, name string) chat.ID {
	t.Helper()
	id, err := chat.ParseID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
