package livetest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// viewer follows chats on one connection.
type viewer struct {
	server   *Server
	write    func(kind string, data map[string]any) error
	mutex    sync.Mutex
	cursors  map[string]int64
	reader   string
	presence bool
}

// id encodes the cursors of all chats.
func (v *viewer) id() string {
	var positions []string
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for chat, cursor := range v.cursors {
		positions = append(positions, fmt.Sprintf("%s=%d", chat, cursor))
	}
	slices.Sort(positions)
	return strings.Join(positions, ";")
}

// run writes events until the connection breaks.
func (v *viewer) run(ctx context.Context) {
	seen, log := v.server.Log.told(), v.server.Log
	for _, chat := range v.chats() {
		v.move(chat, v.cursor(chat)-v.server.Back)
		log.enter(chat, v.reader, true)
		defer log.enter(chat, v.reader, false)
	}
	for {
		events, changed := log.since(seen)
		for more := true; more; {
			more = false
			for _, chat := range v.chats() {
				page := log.pull(chat, v.cursor(chat), limit, false)
				if len(page.Messages) == 0 {
					continue
				}
				more = more || page.HasMore
				v.move(chat, page.NextCursor)
				if v.write("messages", map[string]any{
					"chat": chat, "messages": page.Messages, "has_more": page.HasMore, "next_cursor": page.NextCursor,
				}) != nil {
					return
				}
			}
		}
		for _, e := range events {
			seen++
			if v.event(e) != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (v *viewer) event(e Event) error {
	chat, data := e.Signal.Chat+e.Presence.Chat+e.Reading.Chat, map[string]any{}
	switch e.Kind {
	case "signal":
		data = map[string]any{"chat": chat, "sender": e.Signal.Sender, "signal": e.Signal.Type, "data": e.Signal.Data}
	case "presence":
		if v.reader == "" && !v.presence {
			return nil
		}
		data = map[string]any{"chat": chat, "readers": e.Presence.Readers, "count": e.Presence.Count}
	case "read":
		data = map[string]any{"chat": chat, "reader": e.Reading.Reader, "cursor": e.Reading.Cursor}
	}
	if !slices.Contains(v.chats(), chat) {
		return nil
	}
	return v.write(e.Kind, data)
}

func (v *viewer) chats() []string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return slices.Sorted(maps.Keys(v.cursors))
}

func (v *viewer) cursor(chat string) int64 {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.cursors[chat]
}

func (v *viewer) move(chat string, cursor int64) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.cursors[chat] = max(cursor, 0)
}

// socket grants every watch. Pages begin with the first watch.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	// A request's context does not end with a connection that was taken over.
	ctx, cancel := context.WithCancel(r.Context())
	v := &viewer{server: s, cursors: map[string]int64{}}
	v.write = func(kind string, data map[string]any) error {
		data["type"] = kind
		encoded, _ := json.Marshal(data)
		return conn.Write(ctx, websocket.MessageText, encoded)
	}
	var runs sync.WaitGroup
	defer runs.Wait()
	defer cancel()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var frame struct {
			Type, Chat, Reader string
			Cursor             int64
			Presence           bool
		}
		if json.Unmarshal(data, &frame) != nil || frame.Type != "watch" {
			_ = conn.Close(websocket.StatusPolicyViolation, "only watch is known here")
			return
		}
		first := len(v.chats()) == 0
		if first {
			v.reader, v.presence = frame.Reader, frame.Presence
		}
		v.move(frame.Chat, frame.Cursor-s.Back)
		if v.write("watching", map[string]any{"chat": frame.Chat}) != nil {
			return
		}
		if first {
			runs.Go(func() { v.run(ctx) })
			continue
		}
		s.Log.tellAll()
	}
}

// tellAll wakes all viewers.
func (l *Log) tellAll() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.tell()
}
