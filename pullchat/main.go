// Command pullchat runs a whole Pullchat in one process, and talks to one.
package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/pullchat/pullchat/client"
	"github.com/pullchat/pullchat/internal/program"
	"github.com/pullchat/pullchat/internal/settings"
)

type commands struct {
	settings.Config `embed:""`
	Version         kong.VersionFlag `name:"version" help:"Show the version and exit."`

	Serve    serve         `cmd:"" group:"server" help:"Run Pullchat: all servers in one process, on an in-memory Redis unless REDIS_URL is set."`
	Send     send          `cmd:"" group:"chat" set:"retries=9" help:"Send a message."`
	Pull     pull          `cmd:"" group:"chat" set:"retries=9" help:"Read messages, oldest first."`
	Edit     edit          `cmd:"" group:"chat" set:"retries=9" help:"Replace the text of a message."`
	Delete   deleteMessage `cmd:"" group:"chat" set:"retries=9" help:"Delete a message, for good."`
	React    react         `cmd:"" group:"chat" set:"retries=9" help:"React to a message with an emoji, or remove the reaction."`
	Report   report        `cmd:"" group:"chat" set:"retries=9" help:"Report a message or a user to the moderators."`
	Receipts receipts      `cmd:"" group:"chat" set:"retries=9" help:"Show which users have received and read a message of yours."`
	Thread   thread        `cmd:"" group:"chat" set:"retries=9" help:"Read the answers to a message."`
	History  history       `cmd:"" group:"chat" set:"retries=9" help:"Read the earlier texts of a message, as an admin of its room or as a service."`

	Attach attach `cmd:"" group:"chat" set:"retries=9" help:"Send a message with a file, or download the file of a message."`

	Tail tail `cmd:"" group:"chat" set:"retries=9" help:"Follow chats: read the last messages, then new ones as they arrive."`
	Chat talk `cmd:"" group:"chat" set:"retries=9" help:"Talk in a chat: typed lines are sent, new messages are shown. /help lists more."`

	Inbox  inbox         `cmd:"" group:"user" set:"retries=9" help:"List the chats of a user, the newest first, with the number of unread messages."`
	Read   read          `cmd:"" group:"user" set:"retries=9" help:"Mark a chat as read."`
	Ignore ignore        `cmd:"" group:"user" set:"retries=9" help:"Hide the messages of a user in all chats."`
	Mute   mute          `cmd:"" group:"user" set:"retries=9" help:"End the push notifications of a chat, for ever or for some time."`
	Push   subscriptions `cmd:"" group:"user" set:"retries=9" help:"List, add and remove the devices that get push notifications."`
	Rooms  rooms         `cmd:"" group:"rooms" set:"retries=9" help:"List, show, create and change rooms."`

	Register register `cmd:"" group:"account" set:"retries=9" help:"Create an account. The password is typed, or the first line of standard input."`
	Login    login    `cmd:"" group:"account" set:"retries=9" help:"Log in. The other commands use the session at this server."`
	Logout   logout   `cmd:"" group:"account" set:"retries=9" help:"Log out: end the session."`
	LastSeen lastSeen `cmd:"" group:"account" set:"retries=9" help:"Show when a user was last connected, or hide your own time."`
	Users    users    `cmd:"" group:"account" set:"retries=9" help:"List accounts."`

	DeleteAccount deleteAccount `cmd:"" group:"account" set:"retries=9" help:"Delete the account of the session, for good."`

	Ready    ready         `cmd:"" group:"server" set:"retries=0" help:"Check whether a message could be stored now; for health checks."`
	Bench    benchmark     `cmd:"" group:"server" help:"Put load on a server, measure it, and read back every acknowledged message."`
	Token    newToken      `cmd:"" group:"server" help:"Make a token for a back end, which may act for any user. AUTH_SECRET or AUTH_KEY_FILE signs it."`
	VAPID    newVAPID      `cmd:"" name:"vapid" group:"server" help:"Make the keys of Web Push: VAPID_PUBLIC_KEY and VAPID_PRIVATE_KEY."`
	Settings configCommand `cmd:"" name:"config" group:"server" help:"Check the configuration of a server, or show it."`
	Build    showVersion   `cmd:"" name:"version" group:"server" help:"Show the version of this program."`
	Check    checkCommand  `cmd:"" group:"server" help:"Read everything in a Redis and report faults; --repair fixes the faults that are safe to fix."`

	Projections projections `cmd:"" group:"server" set:"retries=9" help:"List the consumers of all chats, and pause, replay or skip them."`
	Respond     respond     `cmd:"" group:"server" set:"retries=9" help:"Answer a request of a device."`
	Webhooks    webhooks    `cmd:"" group:"server" set:"retries=9" help:"List, make, change and remove webhooks."`

	Admin admin `cmd:"" group:"server" set:"retries=9" help:"Suspend and restore users, end sessions, reset passwords, list all rooms and the users who are online, resolve reports, export a user, read the audit log."`

	Words words `cmd:"" group:"server" set:"retries=9" help:"List the words that are counted, register and delete them."`

	Export exportCommand `cmd:"" group:"server" help:"Write everything in a Redis to a file of JSON lines."`
	Import importCommand `cmd:"" group:"server" help:"Store the file of an export, in an empty Redis or in one that has data."`
}

const description = `A chat backend: a chat is a log, a reader is a cursor.

Exit status: 0 success, 1 the server could not be reached or failed, 2 the server refused the request (the message
says why), 3 a check found faults, 80 the command line is wrong.`

// groups of commands and flags, in the order in which help lists them.
var groups = []kong.Group{
	{Key: "chat", Title: "Read and write:"},
	{Key: "user", Title: "As a user:"},
	{Key: "rooms", Title: "Rooms:"},
	{Key: "account", Title: "Accounts and sessions:"},
	{Key: "server", Title: "Run and look after servers:"},
	{Key: "connection", Title: "The server and the session:"},
}

// commandFirst moves flags that stand before the command behind it, where kong expects them: "--server X users" is
// "users --server X". Flags without a value are named, because the word after any other flag is its value.
func commandFirst(args []string) []string {
	bare := []string{"-h", "--help", "--json", "--no-retry", "-v", "--verbose", "--version"}
	n := 0
	for n < len(args) && len(args[n]) > 1 && args[n][0] == '-' && args[n] != "--" {
		if n++; !slices.Contains(bare, args[n-1]) && !strings.Contains(args[n-1], "=") {
			n++
		}
	}
	if n == 0 || n >= len(args) {
		return args
	}
	rest := args[n:]
	if end := slices.Index(rest, "--"); end >= 0 {
		return slices.Concat(rest[:end], args[:n], rest[end:])
	}
	return slices.Concat(rest, args[:n])
}

// serveVars are the defaults of pullchat serve that are not those of rpc-server.
var serveVars = kong.Vars{
	"rpc_addr": "127.0.0.1:8888", "redis_url": "",
	"rpc_drain_delay": "0s", // its only gateway stops with it
	"redis_help":      " Empty runs an embedded Redis, in memory.",
}

func main() {
	ctx, stop := program.Context()
	defer stop()
	root := &commands{}
	parsed := program.Parse(root, commandFirst(os.Args[1:]), program.Options("pullchat", description,
		serveVars,
		kong.BindTo(ctx, (*contextType)(nil)),
		kong.ExplicitGroups(groups),
	))
	if err := parsed.Run(parsed, root); err != nil {
		complain(err.Error())
		os.Exit(exitStatus(err))
	}
}

// needsDecision is the error of a complete command whose findings need a person's decision.
type needsDecision interface {
	error
	needsDecision()
}

// exitStatus returns 2 for errors that a script can fix, 3 for those that need a person, and 1 for those that may be retried.
func exitStatus(err error) int {
	if _, found := errors.AsType[needsDecision](err); found {
		return 3
	}
	var answered *client.Error
	if errors.As(err, &answered) && answered.Status < 500 && answered.Status != 429 {
		return 2
	}
	return 1
}
