package wire_test

import (
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/wire"
)

// TestEveryFieldOfAMessageSurvives: a send, a batch of sends and a page carry each field of a message.
func TestEveryFieldOfAMessageSurvives(t *testing.T) {
	t.Parallel()
	var m chat.Message
	chattest.Fill(t, &m)
	check := func(place string, got chat.Message) {
		chattest.CheckFilled(t, place, got)
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%s makes of %+v %+v", place, m, got)
		}
	}
	check("wire.SendRequest or wire.MessageOf", wire.MessageOf(wire.SendRequest(m, chat.Caller{}, "")))
	batch := wire.SendBatchRequest([]wire.Sending{{Message: m}})
	check("wire.SendBatchRequest or wire.MessageOf", wire.MessageOf(batch.Requests[0]))
	page, err := wire.PageOf(wire.PullResponse(chat.Page{Messages: []chat.Message{m}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	check("wire.PullResponse or wire.PageOf", page.Messages[0])
}
