// Command pullchat runs a whole Pullchat in one process, and talks to one.
package main

import (
	"errors"
	"os"

	"github.com/alecthomas/kong"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/program"
)

type commands struct {
	Serve serve `cmd:"" help:"Run Pullchat: HTTP and RPC server in one process, on an in-memory Redis unless REDIS_URL is set."`
	Send  send  `cmd:"" set:"retries=9" help:"Send a message."`
	Pull  pull  `cmd:"" set:"retries=9" help:"Read messages, oldest first."`
	Tail  tail  `cmd:"" set:"retries=9" help:"Read the last messages of chats, and go on with what comes."`
	Chat  talk  `cmd:"" set:"retries=9" help:"Talk in a chat: what is typed is sent, what comes is shown."`

	Inbox  inbox  `cmd:"" set:"retries=9" help:"List a user's chats with what is unread, the newest first."`
	Read   read   `cmd:"" set:"retries=9" help:"Say that a chat is read."`
	Ignore ignore `cmd:"" set:"retries=9" help:"Ignore a user, in all chats."`
	Rooms  rooms  `cmd:"" set:"retries=9" help:"List rooms, make and change them, and say who is in them."`

	Register register `cmd:"" set:"retries=9" help:"Make an account. The password is typed, or the first line of standard input."`
	Login    login    `cmd:"" set:"retries=9" help:"Begin a session, which the other commands then use at this server."`
	Logout   logout   `cmd:"" set:"retries=9" help:"End the session."`
	Users    users    `cmd:"" set:"retries=9" help:"List who has an account."`

	DeleteAccount deleteAccount `cmd:"" set:"retries=9" help:"Delete the account of who has logged in, for good."`

	Ready ready     `cmd:"" set:"retries=0" help:"Ask whether a message could be stored now; for health checks."`
	Bench benchmark `cmd:"" help:"Put load on a server and measure it; then read back all that was acknowledged."`
	Token newToken  `cmd:"" help:"Make a token for a back end, which may act for any user. It is signed with AUTH_SECRET or AUTH_KEY_FILE."`
	Check check     `cmd:"" help:"Read everything that lies in a Redis and say whether it is sound; --repair mends what is safe."`
}

const description = `A chat backend: a chat is a log, a reader is a cursor.

Exit status: 0 success, 1 the server could not be reached or failed, 2 the server refused the request (the message
says why), 3 a check found faults, 80 the command line is wrong.`

func main() {
	ctx, stop := program.Context()
	defer stop()
	parsed := kong.Parse(&commands{}, program.Options("pullchat", description,
		kong.Vars{
			"rpc_addr": "127.0.0.1:8888", "redis_url": "",
			"rpc_drain_delay": "0s", // its only gateway stops with it
			"redis_help":      " Empty runs an embedded Redis, in memory.",
		},
		kong.BindTo(ctx, (*contextType)(nil)),
	)...)
	if err := parsed.Run(); err != nil {
		complain(err.Error())
		os.Exit(exitStatus(err))
	}
}

// exitStatus tells what a script could mend (2), and what a person must look at (3), from what it could only try
// again (1).
func exitStatus(err error) int {
	if _, ok := errors.AsType[faultsFound](err); ok {
		return 3
	}
	var answered *client.Error
	if errors.As(err, &answered) && answered.Status < 500 && answered.Status != 429 {
		return 2
	}
	return 1
}
