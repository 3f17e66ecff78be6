// Package access tests the access rules as tables. Rows are the routes of HTTP, the frames of a WebSocket, which devices
// over TCP have too, the commands of telnet, and the methods of RPC; columns are the kinds of callers. Every cell is tried on real
// servers over a real Redis. A route, frame, command or method without a row fails the tests, and so does a row without one.
//
// To add a row, write it into the table of http_policy_test.go, frames_policy_test.go, rpc_policy_test.go,
// devices_test.go or telnet_test.go: nothing else knows of it. table_test.go explains its parts.
package access

import (
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/pullchat/pullchat/internal/logging"
)

// TestMain silences the frameworks, whose loggers are one for the process.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// caller is who makes a request: a column of a table.
type caller string

const (
	anonymous caller = "no"    // without a token; in RPC without an identity
	expired   caller = "old"   // with the admin's token of the past
	forged    caller = "fake"  // with the admin's token, signed with another key
	unsigned  caller = "alg0"  // with the admin's token, which says that it needs no signature
	other     caller = "other" // mia, a member too, who acts in the name of max
	stranger  caller = "out"   // sue, who has never been a member
	removed   caller = "gone"  // otto, who was removed
	member    caller = "in"    // max
	admin     caller = "admin" // ada
	service   caller = "svc"   // a service, for max where it names a user

	keyless  caller = "-key" // a service that does not know RPC_SECRET
	wrongKey caller = "!key" // and one that knows another
)
