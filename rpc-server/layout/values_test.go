package layout

import (
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

func TestSessionsComeBack(t *testing.T) {
	want := chat.StoredSession{Begun: 1, Expires: 2, Seed: "seed", Current: "current", Previous: "-"}
	if got, err := ParseSession(FormatSession(want)); err != nil || got != want {
		t.Errorf("ParseSession(FormatSession(%+v)) = %+v, %v", want, got, err)
	}
	for _, text := range []string{"", "1 2 seed current", "1 2 seed current - more", "x 2 seed current -", "1 x seed current -"} {
		if got, err := ParseSession(text); err == nil {
			t.Errorf("ParseSession(%q) = %+v, want an error", text, got)
		}
	}
}
