package device

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/devicelog"
	"github.com/pullchat/pullchat/internal/jsonobject"
	"github.com/pullchat/pullchat/internal/live"
)

const (
	advanceTimeout = 3 * time.Second
	// maxPending bounds the entries that wait for acknowledgements. Further entries wait in the log.
	maxPending = 1000
)

// pushAll writes the entries for the device in a page of its chat, in order. After an entry of a newer connection this
// connection gets nothing.
func (c *client) pushAll(page *live.Page) error {
	for i := range page.Messages {
		m := &page.Messages[i]
		if m.Notice != nil || m.Erased {
			continue
		}
		e := entryOf(m)
		switch e.Kind {
		case devicelog.Connected:
			if m.SendTime > c.since && e.Connection != c.id {
				return errReplaced
			}
		case devicelog.Request:
		default:
			if c.pause(m.SendTime) {
				return c.session.Unfollow(c.room)
			}
			if err := c.push(m, e); err != nil {
				return err
			}
		}
	}
	c.mutex.Lock()
	c.readTo = page.NextCursor
	c.mutex.Unlock()
	return nil
}

// pause reports whether too much is unacknowledged for another push. The chat is then followed again from its position.
func (c *client) pause(position int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if len(c.pending) < maxPending {
		return false
	}
	c.readTo, c.paused = position, true
	return true
}

// resume follows the chat again once half of the pushed entries are acknowledged.
func (c *client) resume() error {
	c.mutex.Lock()
	resumes := c.paused && len(c.pending) <= maxPending/2
	wanted := c.wanted
	if wanted.Cursor = c.readTo; resumes {
		c.paused = false
	}
	c.mutex.Unlock()
	if !resumes {
		return nil
	}
	return c.session.Follow(wanted)
}

// entryOf reads an entry. A message that is none is pushed as it is.
func entryOf(m *chat.Message) devicelog.Entry {
	if e, ok := devicelog.Read(m.Text); ok {
		return e
	}
	return devicelog.Entry{
		Kind: devicelog.Push, Action: "message", UID: strconv.FormatInt(m.SendTime, 10),
		Data: jsonobject.Encode(said{m.Sender, m.Text}),
	}
}

// said is the data of a message that is no entry.
type said struct {
	Sender string `json:"sender"`
	Text   string `json:"text"`
}

func (c *client) push(m *chat.Message, e devicelog.Entry) error {
	c.mutex.Lock()
	c.pending = append(c.pending, pushed{e.UID, m.SendTime})
	c.mutex.Unlock()
	out := response{Action: e.Action, DeviceUID: c.uid, UID: e.UID, Status: e.Status, ErrorCode: e.ErrorCode, ErrorMessage: e.ErrorMessage, Data: e.Data}
	if e.Kind == devicelog.Response {
		if out.Action == "" {
			out.Action = "response"
		}
		if out.Status == "" {
			out.Status = "ok"
		}
	}
	if out.Data == nil {
		out.Data = json.RawMessage("null")
	}
	return c.write(jsonobject.Encode(out))
}

// acknowledge takes the first pending object of a uid off, and moves the cursor to the first that is still pending.
func (c *client) acknowledge(uid string) error {
	c.mutex.Lock()
	i := slices.IndexFunc(c.pending, func(p pushed) bool { return p.uid == uid })
	if i < 0 {
		c.mutex.Unlock()
		return chat.Errorf(chat.NotFound, "nothing with the uid %q waits for an acknowledgement", uid)
	}
	last := c.pending[i].position
	c.pending = slices.Delete(c.pending, i, i+1)
	to := last + 1
	if len(c.pending) > 0 {
		to = min(to, c.pending[0].position)
	}
	c.mutex.Unlock()
	if err := c.advance(to); err != nil {
		return err
	}
	return c.resume()
}

// settle moves the cursor past the entries that need no acknowledgement.
func (c *client) settle() {
	c.mutex.Lock()
	to := c.readTo
	if len(c.pending) > 0 {
		to = min(to, c.pending[0].position)
	}
	c.mutex.Unlock()
	_ = c.advance(to)
}

func (c *client) advance(to int64) error {
	if to <= c.moved {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx()), advanceTimeout)
	defer cancel()
	_, err := c.server.config.Services.Live.Read(ctx, chat.ReadRequest{Chat: c.room, Reading: chat.Reading{Reader: c.reader(), Cursor: to}})
	if err == nil {
		c.moved = to
	}
	return err
}
