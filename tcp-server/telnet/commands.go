package telnet

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

const (
	historyLines = 20
	maxHistory   = 100
	maxOwn       = 1000
	listed       = 50 // rooms, chats and users in an answer
)

// verb is a row of the table of commands.
type verb struct {
	name, arguments, help string
	do                    func(c *client, arguments string) error // an error ends the connection
}

// verbs returns the commands, in the order of /help.
func verbs() []verb {
	return []verb{
		{"join", "ROOM", "enter a room", (*client).join},
		{"leave", "", "leave the room", (*client).quitRoom},
		{"msg", "USER TEXT", "send a private message", (*client).message},
		{"rooms", "", "list your rooms and the public ones", (*client).rooms},
		{"who", "", "list who is here", (*client).who},
		{"history", "[N]", "show the last N messages of the room", (*client).history},
		{"inbox", "", "list your chats and their unread messages", (*client).inbox},
		{"ignore", "[USER]", "hide what a user says, or list who is hidden", (*client).ignore},
		{"unignore", "USER", "show what a user says again", (*client).unignore},
		{"help", "", "list the commands", (*client).help},
		{"quit", "", "log out and close the connection", func(*client, string) error { return errQuit }},
	}
}

// obey executes a line. An error ends the connection.
func (c *client) obey(l line) error {
	if wrong := c.check(l); wrong != "" {
		return c.say("%s", wrong)
	}
	switch {
	case strings.TrimSpace(l.text) == "":
		return c.raw("Invalid message")
	case strings.HasPrefix(l.text, "//"):
		return c.talk(l.text[1:])
	case !strings.HasPrefix(l.text, "/"):
		return c.talk(l.text)
	}
	name, arguments, _ := strings.Cut(l.text[1:], " ")
	for _, v := range verbs() {
		if v.name == name {
			defer c.trace(v.name)()
			return v.do(c, strings.TrimSpace(arguments))
		}
	}
	return c.say("There is no command /%s; /help lists the commands. To send a text that begins with a slash, type //", name)
}

// talk sends a text to the room.
func (c *client) talk(text string) error {
	defer c.trace("say")()
	room := c.currentRoom()
	if room == "" {
		return c.say("Not sent: you are in no room; /join ROOM enters one")
	}
	return c.send(room, text, room)
}

// send sends a text and confirms it. to is the user's name for the chat.
func (c *client) send(name, text, to string) error {
	id := rand.Text()
	c.mutex.Lock()
	if len(c.own) >= maxOwn { // of chats that are not shown here
		clear(c.own)
	}
	c.own[id] = true
	c.mutex.Unlock()
	if _, err := c.server.config.Services.Messages.Send(c.ctx(), chat.Message{Chat: name, Sender: c.me, Text: text, ID: id}); err != nil {
		c.mutex.Lock()
		delete(c.own, id) // so if it was stored after all, it is shown
		c.mutex.Unlock()
		return c.refuse(notSent(err))
	}
	switch {
	case !c.server.config.Verbose:
		return c.say("sent")
	case to != name:
		return c.raw("Message sent to " + to + ": " + text)
	}
	return c.raw("Message sent to chat room " + to + ": " + text)
}

// notSent returns the error in the words of a person.
func notSent(err error) error {
	e := chat.AsError(err)
	if e.Code == chat.DeadlineExceeded || e.Code == chat.Unavailable {
		return chat.Wrap(err, e.Code, "Perhaps not sent: if it was stored, it is shown here")
	}
	return chat.Wrap(err, e.Code, "Not sent: "+e.Message)
}

func (c *client) message(arguments string) error {
	user, text, _ := strings.Cut(arguments, " ")
	if text = strings.TrimSpace(text); text == "" {
		return c.say("/msg USER TEXT sends a private message")
	}
	if err := chat.CheckUser(user); err != nil {
		return c.refuse(notSent(err))
	}
	return c.send(c.me+":"+user, text, user)
}

func (c *client) join(room string) error {
	if room == "" {
		return c.say("/join ROOM enters a room")
	}
	return c.enter(room)
}

func (c *client) quitRoom(string) error {
	room := c.currentRoom()
	if room == "" {
		return c.say("You are in no room")
	}
	return c.leave(room)
}

func (c *client) rooms(string) error {
	service := c.server.config.Services.Rooms
	if service == nil {
		return c.say("This server lists no rooms")
	}
	mine, err := service.RoomsOf(c.ctx(), chat.RoomsRequest{As: c.me, Limit: listed})
	var public chat.RoomPage
	if err == nil {
		public, err = service.PublicRooms(c.ctx(), chat.RoomsRequest{As: c.me, Limit: listed})
	}
	if err != nil {
		return c.refuse(err)
	}
	if err := c.list("Your rooms", mine); err != nil {
		return err
	}
	return c.list("Public rooms", public)
}

func (c *client) list(title string, page chat.RoomPage) error {
	names := make([]string, len(page.Rooms))
	for i, room := range page.Rooms {
		if names[i] = room.ID; room.Name != "" {
			names[i] += " (" + room.Name + ")"
		}
	}
	return c.say("%s: %s", title, joined(names, page.HasMore))
}

// joined is a list for people.
func joined(names []string, more bool) string {
	switch {
	case len(names) == 0:
		return "none"
	case more:
		return strings.Join(names, ", ") + " and more"
	}
	return strings.Join(names, ", ")
}

func (c *client) who(string) error {
	room := c.currentRoom()
	if room == "" {
		return c.say("You are in no room")
	}
	readers, err := c.server.config.Services.Live.Present(c.ctx(), room)
	if err != nil {
		return c.refuse(err)
	}
	users := []string{c.me} // also before the others know
	for _, reader := range readers {
		users = append(users, chat.UserOf(reader))
	}
	slices.Sort(users)
	users = slices.Compact(users)
	shown := users[:min(len(users), listed)]
	return c.say("In %s: %s", room, joined(shown, len(shown) < len(users)))
}

func (c *client) history(arguments string) error {
	room := c.currentRoom()
	if room == "" {
		return c.say("You are in no room")
	}
	lines := historyLines
	if height := c.decoder.options.height; height > 3 {
		lines = min(height-3, maxHistory)
	}
	if arguments != "" {
		var err error
		if lines, err = strconv.Atoi(arguments); err != nil || lines < 1 || lines > maxHistory {
			return c.say("/history N shows the last N messages, of 1 to %d", maxHistory)
		}
	}
	page, err := c.server.config.Services.Messages.Pull(c.ctx(), chat.PullRequest{Chat: room, Limit: int64(lines), Reverse: true, Reader: c.reader()})
	if err != nil {
		return c.refuse(err)
	}
	slices.Reverse(page.Messages)
	if err := c.say("The last messages of %s:", room); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	var text []byte
	for i := range page.Messages {
		text = c.appendLine(text, &page.Messages[i])
	}
	return c.put(append(text, "* End of the last messages\r\n"...))
}

func (c *client) inbox(string) error {
	inboxes := c.server.config.Services.Inboxes
	if inboxes == nil {
		return c.say("This server has no inboxes")
	}
	page, err := inboxes.Inbox(c.ctx(), chat.InboxRequest{Reader: c.reader(), Limit: historyLines})
	if err != nil {
		return c.refuse(err)
	}
	for _, e := range page.Entries {
		unread := fmt.Sprint(e.Unread)
		if e.Unread >= chat.ManyUnread {
			unread = "99+"
		}
		last := ""
		if e.Last != nil {
			last = time.UnixMicro(e.Last.SendTime).UTC().Format("; "+day+" "+clock+" ") + e.Last.Sender + ": " + e.Last.Text
		}
		if err := c.say("%s: %s unread%s", e.Chat, unread, last); err != nil {
			return err
		}
	}
	if len(page.Entries) == 0 {
		return c.say("You have no chats")
	}
	return nil
}

func (c *client) ignore(user string) error {
	inboxes := c.server.config.Services.Inboxes
	if inboxes == nil {
		return c.say("This server ignores no user")
	}
	if user == "" {
		ignored, err := inboxes.Ignored(c.ctx(), c.me)
		if err != nil {
			return c.refuse(err)
		}
		shown := ignored[:min(len(ignored), listed)]
		return c.say("You ignore: %s", joined(shown, len(shown) < len(ignored)))
	}
	return c.hide(user, true)
}

func (c *client) unignore(user string) error {
	if user == "" {
		return c.say("/unignore USER shows what a user says again")
	}
	return c.hide(user, false)
}

func (c *client) hide(user string, ignore bool) error {
	if c.server.config.Services.Inboxes == nil {
		return c.say("This server ignores no user")
	}
	if err := c.server.config.Services.Inboxes.Ignore(c.ctx(), chat.IgnoreRequest{User: c.me, Other: user, Ignore: ignore}); err != nil {
		return c.refuse(err)
	}
	c.mutex.Lock()
	delete(c.ignored, user)
	if ignore && len(c.ignored) < maxOwn {
		c.ignored[user] = true
	}
	c.mutex.Unlock()
	if ignore {
		return c.say("You ignore %s", user)
	}
	return c.say("You ignore %s no longer", user)
}

func (c *client) help(string) error {
	for _, v := range verbs() {
		if err := c.say("%-18s%s", strings.TrimSpace("/"+v.name+" "+v.arguments), v.help); err != nil {
			return err
		}
	}
	return c.say("Any other line is a message to the room")
}

// Commands returns the names of the commands, without their slashes.
func Commands() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}
