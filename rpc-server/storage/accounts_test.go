package storage

import (
	"errors"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/rpc-server/redisnode"
)

// TestWhatARegistrationMayHaveDone is said where it is not known.
func TestWhatARegistrationMayHaveDone(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		code    chat.Code
		unknown bool
	}{
		"never sent":    {redisnode.DialError(redisnode.ErrAway), chat.Unavailable, false},
		"few replicas":  {redisnode.ErrFewReplicas, chat.Unavailable, false},
		"few copies":    {redisnode.ErrCopies, chat.Unavailable, true},
		"anything else": {errors.New("secret"), chat.Internal, false},
	} {
		e := chat.AsError(registerError("register alice", c.err))
		if e.Code != c.code || strings.Contains(e.Message, "it is unknown whether") != c.unknown || strings.Contains(e.Message, "secret") {
			t.Errorf("registerError(%s) = %v, want %s, unknown %v", name, e, c.code, c.unknown)
		}
	}
}
