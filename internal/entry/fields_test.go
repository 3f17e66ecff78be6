package entry_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/chattest"
	"github.com/pullchat/pullchat/internal/entry"
	api "github.com/pullchat/pullchat/internal/gen/http"
)

// TestEveryFieldIsStored: no field of a message is lost in a log, nor in the JSON of a page.
func TestEveryFieldIsStored(t *testing.T) {
	t.Parallel()
	var m chat.Message
	chattest.Fill(t, &m)
	member := string(entry.AppendMember(nil, m))
	stored, err := entry.Decode(member)
	if err != nil {
		t.Fatal(err)
	}
	stored.Chat = m.Chat // which is the key
	chattest.CheckFilled(t, "entry.Append or entry.Decode", stored)
	if !reflect.DeepEqual(stored, m) {
		t.Errorf("Decode(AppendMember(%+v)) = %+v", m, stored)
	}
	fromEntry, err := entry.AppendJSON(nil, m.Chat, member)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		place   string
		encoded []byte
	}{{"entry.AppendJSON", fromEntry}, {"entry.AppendMessageJSON", entry.AppendMessageJSON(nil, &m)}} {
		var answered api.Message
		if err := json.Unmarshal(c.encoded, &answered); err != nil {
			t.Fatal(err)
		}
		chattest.CheckFilled(t, c.place, &answered)
	}
}
