package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// TestReceiptsOfLargeRoom: messages have receipts in a room of 100 members, whatever rules it has, and none in one of 101.
func TestReceiptsOfLargeRoom(t *testing.T) {
	t.Parallel()
	c := startClosed(t)
	c.do("ann", "POST", "/api/rooms", `{"id":"club","visibility":"public"}`, 201)
	others := make([]string, chat.MaxReceiptMembers-1) // beside ann
	for i := range others {
		others[i] = fmt.Sprintf("m%02d", i)
		c.do(others[i], "POST", "/api/rooms/club/join", "", 200)
	}
	send := func(user string) (at string) {
		return fmt.Sprintf("%.0f", c.do(user, "POST", "/api/send", `{"chat":"club","text":"hello"}`, 200)["send_time"])
	}
	receipts := func(user, at string, recipients int, delivered, read []string) {
		t.Helper()
		got := c.do(user, "GET", "/api/receipts?chat=club&send_time="+at, "", 200)
		if got["recipients"] != float64(recipients) || !slices.Equal(listOf(got["delivered_to"]), delivered) || !slices.Equal(listOf(got["read_by"]), read) {
			t.Errorf("the receipts of %s are %v, want %d recipients, delivered to %v, read by %v", user, got, recipients, delivered, read)
		}
	}
	hers, his := send("ann"), send("m05")
	receipts("ann", hers, 99, nil, nil)

	c.do("ann", "PATCH", "/api/rooms/club", `{"slow_mode":"1h"}`, 200)
	c.do("ann", "PATCH", "/api/rooms/club", `{"announce":true}`, 200)
	c.do("ann", "PUT", "/api/rooms/club/mutes/m05", `{"reason":"noise"}`, 200)
	c.do("ann", "PUT", "/api/rooms/club/mutes/m06", "{}", 200)
	c.do("ann", "PUT", "/api/rooms/club/bans/nobody", "{}", 200)
	delivered := func(user string) map[string]any {
		t.Helper()
		return c.do(user, "POST", "/api/read", fmt.Sprintf(`{"chat":"club","reader":%q,"delivered":%d}`, user, chat.MaxCursor), 200)
	}
	for _, user := range []string{"m05", "m06", "m98"} { // those who are muted receive and read
		delivered(user)
	}
	for _, user := range []string{"m06", "m07"} {
		c.do(user, "POST", "/api/read", fmt.Sprintf(`{"chat":"club","reader":%q,"cursor":"end"}`, user), 200)
	}
	receipts("ann", hers, 99, []string{"m05", "m06", "m07", "m98"}, []string{"m06", "m07"})
	receipts("m05", his, 99, []string{"m06", "m07", "m98"}, []string{"m06", "m07"}) // and one who is muted may ask
	c.do("m06", "GET", "/api/receipts?chat=club&send_time="+hers, "", 403)

	c.do("ann", "PUT", "/api/rooms/club/bans/m07", "{}", 200)
	receipts("ann", hers, 98, []string{"m05", "m06", "m98"}, []string{"m06"})
	c.do("bob", "POST", "/api/rooms/club/join", "", 200)
	delivered("bob")
	receipts("ann", hers, 98, []string{"m05", "m06", "m98"}, []string{"m06"}) // bob came after the message
	delivered("m98")
	now := send("ann") // in spite of the rules, which do not bind an admin
	receipts("ann", now, 99, nil, nil)

	c.do("cid", "POST", "/api/rooms/club/join", "", 200)
	for user, at := range map[string]string{"ann": now, "m05": his} {
		refused := c.do(user, "GET", "/api/receipts?chat=club&send_time="+at, "", 409)
		if message := fmt.Sprint(refused["message"]); refused["code"] != "conflict" || !strings.Contains(message, "room club has 101 members") {
			t.Errorf("the receipts of a room of 101 are refused with %v", refused)
		}
	}
	if kept := delivered("m05"); kept["delivered"] != 0.0 {
		t.Errorf("what is delivered in a room of 101 = %v, want 0: none is kept", kept)
	}
	c.do("cid", "POST", "/api/rooms/club/leave", "", 200)
	receipts("ann", now, 99, nil, nil)
	delivered("m05")
	receipts("ann", now, 99, []string{"m05"}, nil)
}

// listOf returns a list of strings of a JSON object.
func listOf(value any) (list []string) {
	values, _ := value.([]any)
	for _, one := range values {
		list = append(list, fmt.Sprint(one))
	}
	return list
}
