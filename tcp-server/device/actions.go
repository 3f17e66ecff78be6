package device

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/command"
	"github.com/pullchat/pullchat/internal/devicelog"
	"github.com/pullchat/pullchat/internal/frame"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
)

// ping is the one object that is no JSON.
const (
	ping = "Ping"
	pong = "Pong"
)

// The actions that are neither commands nor requests for back ends.
const (
	connect     = "connect"
	acknowledge = "ack"
)

// obey answers one object. An error ends the connection.
func (c *client) obey(object []byte) error {
	if string(object) == ping {
		return c.send([]byte(pong))
	}
	var r request
	err := jsonobject.Decode("object", object, &r)
	switch {
	case err != nil:
	case len(r.UID) > devicelog.MaxUID:
		err = chat.Errorf(chat.InvalidArgument, "uid is %d bytes; the limit is %d", len(r.UID), devicelog.MaxUID)
		r.UID = ""
	case r.Action == "":
		err = chat.Errorf(chat.InvalidArgument, "action is empty")
	case r.Action == connect:
		defer c.trace(connect)()
		return c.connect(r)
	case c.room == "" && c.server.config.Verify != nil:
		err = chat.Errorf(chat.Unauthenticated, "connect first, with a token")
	case c.room != "" && r.DeviceUID != "" && r.DeviceUID != c.uid:
		err = chat.Errorf(chat.InvalidArgument, "this connection is of the device %s", c.uid)
	case r.Action == acknowledge:
		defer c.trace(acknowledge)()
		err = c.acknowledge(r.UID)
		return c.answer(r, err)
	case slices.Contains(command.Names(), r.Action):
		return c.command(r)
	default:
		defer c.trace(devicelog.Request)()
		return c.ask(r)
	}
	return c.answer(r, err)
}

// command executes one of the commands that WebSockets have too. Its arguments are in data.
func (c *client) command(r request) error {
	fields := map[string]json.RawMessage{}
	if len(r.Data) > 0 && !bytes.Equal(r.Data, []byte("null")) {
		if err := json.Unmarshal(r.Data, &fields); err != nil {
			return c.answer(r, chat.Errorf(chat.InvalidArgument, "data is not an object"))
		}
	}
	fields["type"], fields["ref"] = jsonobject.Encode(r.Action), jsonobject.Encode(r.UID)
	asked, err := frame.Decode(jsonobject.Encode(fields))
	if err == nil && c.room != "" && asked.Chat == c.room && (asked.Name == command.Watch || asked.Name == command.Unwatch) {
		err = chat.Errorf(chat.InvalidArgument, "the device's own chat is followed already")
	}
	if err != nil {
		return c.answer(r, err)
	}
	return c.commands.Do(c.ctx(), asked, func(reply command.Reply) error {
		if reply.Type == command.Refused {
			return c.write(c.response(r, nil, reply.Err))
		}
		if by, err := c.verify(asked.Token); reply.Type == command.Authenticated && err == nil {
			c.caller = by
		}
		return c.write(c.response(r, frame.Reply(reply), nil))
	})
}

// verify returns the caller of a token, or nil with AUTH off.
func (c *client) verify(token string) (*chat.Caller, error) {
	if c.server.config.Verify == nil {
		return nil, nil //nolint:nilnil // no caller is no error
	}
	by, err := c.server.config.Verify(c.ctx(), token)
	return &by, err
}

// ask stores a request for back ends. The response comes when one of them answers.
func (c *client) ask(r request) error {
	if c.room == "" {
		return c.answer(r, chat.Errorf(chat.InvalidArgument, "action %q is for back ends: connect first", r.Action))
	}
	receipt, err := c.store(devicelog.Entry{Kind: devicelog.Request, Action: r.Action, UID: r.UID, Data: r.Data}, "request "+r.UID)
	if err == nil && receipt.Duplicate {
		err = chat.Errorf(chat.Conflict, "the uid %q was used on this connection before", r.UID)
	}
	if err != nil {
		return c.answer(r, err)
	}
	return nil
}

// store stores an entry once for each key of the connection.
func (c *client) store(e devicelog.Entry, key string) (chat.Receipt, error) {
	e.Connection = c.id
	return c.server.config.Services.Messages.Send(c.ctx(), e.Message(c.uid, c.sender(), key))
}

// sender is the device's user: the token's, or without one the device itself.
func (c *client) sender() string {
	if c.caller != nil && !c.caller.Service {
		return c.caller.User
	}
	return c.uid
}

// reader is the reader whose cursor moves with the device's acknowledgements.
func (c *client) reader() string { return c.sender() + "/" + c.uid }

// connect makes the connection the device's newest.
func (c *client) connect(r request) error {
	if c.room != "" {
		return c.answer(r, chat.Errorf(chat.Conflict, "this connection is of the device %s already", c.uid))
	}
	return c.session.Write(func() error { // the sink reads fields that admit sets, and writes nothing before the response
		at, err := c.admit(r)
		if err != nil {
			c.uid, c.room, c.caller = "", "", nil
			return c.write(c.response(r, nil, err))
		}
		wanted := live.Follow{Chat: c.room, Cursor: at, Reader: c.reader()}
		if c.caller != nil {
			wanted.By = *c.caller
		}
		if err := c.write(c.response(r, jsonobject.Encode(map[string]string{"connection": c.id}), nil)); err != nil {
			return err
		}
		c.wanted = wanted
		return c.session.Follow(wanted)
	})
}

// admit checks a connect, and returns the position from which the device has acknowledged nothing.
func (c *client) admit(r request) (int64, error) {
	if c.server.config.Verify != nil {
		var with struct {
			Token string `json:"token"`
		}
		if len(r.Data) > 0 {
			if err := jsonobject.Decode("data", r.Data, &with); err != nil {
				return 0, err
			}
		}
		if with.Token == "" {
			return 0, chat.Errorf(chat.Unauthenticated, "data has no token")
		}
		by, err := c.server.config.Verify(c.ctx(), with.Token)
		if err != nil {
			return 0, err
		}
		c.caller = &by
		c.share.Become(c.ctx(), c.server.config.Quota)
	}
	if err := chat.CheckUser(r.DeviceUID); err != nil {
		return 0, chat.Errorf(chat.InvalidArgument, "deviceUid: %s", chat.AsError(err).Message)
	}
	c.uid, c.room = r.DeviceUID, devicelog.Chat(r.DeviceUID)
	if err := c.own(); err != nil {
		return 0, err
	}
	receipt, err := c.store(devicelog.Entry{Kind: devicelog.Connected}, devicelog.Connected)
	if err != nil {
		return 0, err
	}
	c.since = receipt.SendTime
	at, err := c.server.config.Services.Live.Read(c.ctx(), chat.ReadRequest{Chat: c.room, Reading: chat.Reading{Reader: c.reader()}}) // moves nothing
	if c.moved = at; at == 0 && err == nil {
		return c.joined()
	}
	return at, err
}

// joined is the position at which the caller became a member of the device's chat. Earlier entries are for an earlier
// owner of the device, and are not sent.
func (c *client) joined() (int64, error) {
	if c.caller == nil || c.caller.Service || c.server.config.Services.Rooms == nil {
		return 0, nil
	}
	for wanted := (chat.RoomRequest{Room: c.room}); ; {
		room, err := c.server.config.Services.Rooms.Room(c.ctx(), wanted)
		if err != nil {
			return 0, err
		}
		for _, m := range room.Members {
			if m.User == c.caller.User {
				return m.Since, nil
			}
		}
		if wanted.Cursor = room.NextCursor; !room.HasMore {
			return 0, nil
		}
	}
}

// own checks that the device is the caller's. A device that is new becomes the caller's: its chat is a room of which the caller
// is the first member.
func (c *client) own() error {
	if c.caller == nil {
		return nil
	}
	err := c.server.config.Hub.Enter(c.ctx(), c.room)
	if chat.CodeOf(err) == chat.NotFound && !c.caller.Service && c.server.config.Services.Rooms != nil {
		_, err = c.server.config.Services.Rooms.CreateRoom(c.ctx(), chat.NewRoom{ID: c.room, As: c.caller.User, Visibility: chat.Private})
		if chat.CodeOf(err) == chat.Conflict { // another connection was first
			err = c.server.config.Hub.Enter(c.ctx(), c.room)
		}
	}
	if chat.CodeOf(err) == chat.PermissionDenied {
		return chat.Errorf(chat.PermissionDenied, "the device %s belongs to another user", c.uid)
	}
	return err
}
