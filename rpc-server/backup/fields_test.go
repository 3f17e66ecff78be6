package backup

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
)

// TestEveryFieldIsExported: a line has each field of a message, and an import that finds another value of it refuses the chat.
func TestEveryFieldIsExported(t *testing.T) {
	var m chat.Message
	chattest.Fill(t, &m)
	l := messageLine(chattest.ID(t, "alice:bob"), m)
	read := l.message()
	read.Chat = m.Chat // its chat's line has it
	chattest.CheckFilled(t, "messageLine or line.message", read)
	if !reflect.DeepEqual(read, m) || !same(read, m) {
		t.Errorf("the line of %+v is read as %+v", m, read)
	}
	for i := range reflect.TypeFor[chat.Message]().NumField() {
		field := reflect.TypeFor[chat.Message]().Field(i)
		other := m
		reflect.ValueOf(&other).Elem().Field(i).SetZero()
		if same(m, other) && field.Name != "Chat" {
			t.Errorf("same does not compare chat.Message.%s", field.Name)
		}
	}
}
