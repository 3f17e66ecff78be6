package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/client"
)

// TestRespond: a request of a device is answered once, from the command line.
func TestRespond(t *testing.T) {
	t.Parallel()
	s := serveProcess(t)
	request := `{"kind":"request","action":"measured","uid":"7","connection":"c"}`
	if sent := invoke(t, s.environment(), "", "send", "device.sensor1", request, "--sender", "sensor1"); sent.status != 0 {
		t.Fatalf("send = %+v", sent)
	}
	respond := func(input string, arguments ...string) result {
		t.Helper()
		return invoke(t, s.environment(), input, append([]string{"respond", "sensor1"}, arguments...)...)
	}
	var receipt, again client.Receipt
	if got := respond(`{"next":60}`+"\n", "7", "-"); got.status != 0 || json.Unmarshal([]byte(got.out), &receipt) != nil || receipt.SendTime == 0 {
		t.Fatalf("respond = %+v, want a receipt", got)
	}
	if got := respond("", "7", `{"next":60}`); got.status != 0 || json.Unmarshal([]byte(got.out), &again) != nil || !again.Duplicate || again.SendTime != receipt.SendTime {
		t.Errorf("respond again = %+v, want the same receipt", got)
	}
	for _, refused := range [][]string{{"7", `{"next":61}`}, {"8", `{"next":60}`}, {"7", "--error-code", "unavailable", "--error-message", "no"}} {
		if got := respond("", refused...); got.status != 2 {
			t.Errorf("respond %q = %+v, want that it is refused", refused, got)
		}
	}
	if got := respond("", "7", "text"); got.status == 0 || !strings.Contains(got.err, "not JSON") {
		t.Errorf("respond with data that is no JSON = %+v", got)
	}
	pulled := invoke(t, s.environment(), "", "pull", "device.sensor1")
	if want := `\"action\":\"measured.response\",\"uid\":\"7\",\"connection\":\"c\"`; !strings.Contains(pulled.out, want) || strings.Count(pulled.out, `\"kind\":\"response\"`) != 1 {
		t.Errorf("the chat is %s, want one response with %s", pulled.out, want)
	}
}
