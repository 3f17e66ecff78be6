package handler

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol/consts"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/http-server/request"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/live"
)

// This file has the two routes of plain text, for people and shell scripts:
//
//	curl -d hello HOST/send/ROOM/USER
//	curl HOST/receive/ROOM/USER
//
// A line of an answer is a message. Line ends and control characters in a text or a name are shown as Go writes them, so
// no text can forge a line.

const (
	// receiveDevice is the device whose cursor /receive/ moves. The user's other cursors stay.
	receiveDevice = "/receive"
	// receiveAtOnce bounds the lines of one answer; the next request continues.
	receiveAtOnce  = 1000
	advanceTimeout = 3 * time.Second
	plainTime      = "2006.01.02 15:04:05" // in UTC
)

// SendText answers POST /send/{chat}/{user}. The body is the text, of any media type: curl calls it a form. A line end at
// its end is not a part of it.
func (h *Handler) SendText(ctx context.Context, c *app.RequestContext) {
	text, err := readRaw(c, h.config.MaxBodyBytes)
	if err != nil {
		reply.Fail(c, err)
		return
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	receipt, err := h.service.Send(ctx, chat.Message{
		Chat: c.Param("chat"), Sender: c.Param("user"), Text: string(text), ID: string(c.GetHeader(idempotencyKey)),
	})
	if err != nil {
		reply.Fail(c, err)
		return
	}
	c.SetStatusCode(consts.StatusOK)
	c.SetContentType(reply.PlainType)
	c.SetBodyString(fmt.Sprintf("sent %d\n", receipt.SendTime))
}

// ReceiveText answers GET /receive/{chat}/{user} with the lines since the user's last such request, at most 1,000. With
// ?follow=true it goes on with new ones. The cursor moves when the client has read the lines, as far as that can be known:
// after a lost connection some lines may come twice.
func (h *Handler) ReceiveText(ctx context.Context, c *app.RequestContext) {
	serve, err := h.receive(ctx, c)
	switch {
	case err != nil:
		reply.Fail(c, err)
	case serve != nil:
		connection(ctx).Leave(c, serve)
	}
}

// receive returns the function that writes the answer, or nil for HEAD.
func (h *Handler) receive(ctx context.Context, c *app.RequestContext) (serve func(), err error) {
	follow, err := h.readReceive(c)
	if err != nil {
		return nil, err
	}
	leave, err := h.receiving.enter(ctx, c.Param("chat")+"/"+c.Param("user"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if serve == nil {
			leave()
		}
	}()
	r := &receiver{handler: h, chat: c.Param("chat"), reader: c.Param("user") + receiveDevice, by: context.WithoutCancel(ctx)}
	r.cursors.Advance = r.advance
	lines, err := r.missed(ctx)
	if err != nil {
		return nil, err
	}
	c.SetContentType(reply.PlainType)
	c.Response.Header.Set("Cache-Control", "no-store")
	if c.IsHead() {
		return nil, nil
	}
	if follow {
		return h.followText(ctx, c, r, lines, leave)
	}
	below := connection(ctx)
	r.conn, r.part = below.Take(), h.config.Part
	head := append(takenHead(c), fmt.Sprintf("Content-Length: %d\r\n\r\n", len(lines))...)
	return func() {
		defer leave()
		err := r.write(append(head, lines...))
		if lost := below.Linger(); err == nil && lost == nil && len(lines) > 0 {
			r.cursors.Wrote(r.chat, r.next)
			r.cursors.Leave(true)
		}
	}, nil
}

// readReceive reads the query string. A page of another origin may not move a cursor, though the route is a GET.
func (h *Handler) readReceive(c *app.RequestContext) (follow bool, err error) {
	if err := request.CheckOrigin(c, h.config.AllowedOrigins.Get()); err != nil {
		return false, err
	}
	if err := checkNoBody(c); err != nil {
		return false, err
	}
	if text := query(c, "follow"); text != "" {
		return queryBool("follow", []byte(text))
	}
	return false, nil
}

// followText returns the function that writes lines until the client disconnects or the server stops. It calls leave.
func (h *Handler) followText(ctx context.Context, c *app.RequestContext, r *receiver, lines []byte, leave func()) (serve func(), err error) {
	wanted := []live.Follow{{Chat: r.chat, Cursor: r.next, Reader: r.reader}}
	if err := h.hub.Admit(ctx, wanted); err != nil { // which adds the caller
		return nil, err
	}
	seat, err := h.config.Quota.Enter(ctx)
	if err != nil {
		return nil, err
	}
	below := connection(ctx)
	r.conn, r.part, r.end = below.Take(), h.config.Part, below.Wake
	head := append(takenHead(c), "\r\n"...)
	return func() {
		leave()
		defer seat.Leave()
		defer r.cursors.Leave(false) // it is unknown which of the last lines a client that has disconnected has read
		err := r.write(append(head, lines...))
		if err == nil {
			r.cursors.Wrote(r.chat, r.next)
		}
		session := h.hub.OpenWithin(seat, r, r.ended)
		defer session.Close()
		if err == nil {
			err = session.Write(func() error { return session.Follow(wanted[0]) })
		}
		if err == nil {
			below.AwaitClose()
		}
	}, nil
}
