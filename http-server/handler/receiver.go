package handler

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/chat"
	"github.com/pullchat/pullchat/internal/cursors"
	"github.com/pullchat/pullchat/internal/live"
	"github.com/pullchat/pullchat/internal/terminal"
)

// receiver is a reader of lines. It is the live.Sink of a following reader.
type receiver struct {
	handler      *Handler
	chat, reader string
	next         int64 // the position after the missed lines

	by context.Context // has the caller, and does not end //nolint:containedctx // of timers

	conn net.Conn
	part time.Duration // the time in which a client must read a write
	once sync.Once
	end  func() // lets the handler return

	cursors cursors.Cursors
}

var _ live.Sink = (*receiver)(nil)

// missed returns the lines from the reader's cursor on.
func (r *receiver) missed(ctx context.Context) (lines []byte, err error) {
	asked := chat.PullRequest{Chat: r.chat, Reader: r.reader, Unread: true, Limit: 100}
	for count := 0; count < receiveAtOnce; {
		page, err := r.handler.service.Pull(ctx, asked)
		if err != nil {
			return nil, err
		}
		for i := range page.Messages {
			lines = appendLine(lines, &page.Messages[i])
		}
		count += len(page.Messages)
		r.next = page.NextCursor
		if !page.HasMore {
			break
		}
		asked.Unread, asked.Cursor = false, page.NextCursor
	}
	return lines, nil
}

// advance moves the reader's cursor to a position. If that fails, the lines before it come again.
func (r *receiver) advance(name string, to int64) {
	ctx, cancel := context.WithTimeout(r.by, advanceTimeout)
	defer cancel()
	_, _ = r.handler.live.Read(ctx, chat.ReadRequest{Chat: name, Reading: chat.Reading{Reader: r.reader, Cursor: to}})
}

func (r *receiver) write(text []byte) error {
	_ = r.conn.SetWriteDeadline(time.Now().Add(r.part))
	_, err := r.conn.Write(text)
	return err
}

func (r *receiver) ended(error) { r.once.Do(r.end) }

// Page implements live.Sink.
func (r *receiver) Page(page *live.Page, _ chat.Title, _ func() []live.Position) error {
	var lines []byte
	for i := range page.Messages {
		lines = appendLine(lines, &page.Messages[i])
	}
	if err := r.write(lines); err != nil {
		return err
	}
	r.cursors.Wrote(r.chat, page.NextCursor)
	return nil
}

// Tell implements live.Sink: signals and movements are not shown.
func (r *receiver) Tell(string, chat.Event) error { return nil }

// Presence implements live.Sink.
func (r *receiver) Presence(string, *live.Present) error { return nil }

// Refuse implements live.Sink: the last line says why the answer ends.
func (r *receiver) Refuse(_ string, err error) error {
	e := chat.AsError(err)
	if err := r.write(reply.Line(e)); err != nil {
		return err
	}
	return e
}

// Beat implements live.Sink. Plain text has nothing that a client would ignore; TCP finds connections that are lost.
func (r *receiver) Beat() error { return nil }

// appendLine appends a message as "2006.01.02 15:04:05 - sender: text". A change of the room begins with a star.
func appendLine(lines []byte, m *chat.Message) []byte {
	lines = time.UnixMicro(m.SendTime).UTC().AppendFormat(lines, plainTime)
	switch {
	case m.Notice != nil:
		about := strings.Join(append([]string{string(m.Notice.Event)}, m.Notice.Users...), " ")
		return fmt.Appendf(lines, " * %s: %s\n", terminal.Printable(m.Sender), terminal.Printable(about))
	case m.Erased:
		return fmt.Appendf(lines, " - %s (erased)\n", terminal.Printable(m.Sender))
	}
	return fmt.Appendf(lines, " - %s: %s\n", terminal.Printable(m.Sender), terminal.Printable(m.Text))
}

// receiving makes one request of a user in a chat at a time, so that the next begins where the cursor of the one before ends.
// The zero value is ready.
type receiving struct {
	mutex   sync.Mutex
	running map[string]chan struct{} // closed at the end
}

// receiveWait is how long a request waits for the one before: as long as that waits for its client, and for a server.
const receiveWait = 1500 * time.Millisecond

// enter waits for its turn. leave ends it.
func (r *receiving) enter(ctx context.Context, whose string) (leave func(), err error) {
	waits, cancel := context.WithTimeout(ctx, receiveWait)
	defer cancel()
	for {
		r.mutex.Lock()
		before := r.running[whose]
		if before == nil {
			mine := make(chan struct{})
			if r.running == nil {
				r.running = map[string]chan struct{}{}
			}
			r.running[whose] = mine
			r.mutex.Unlock()
			return func() {
				r.mutex.Lock()
				delete(r.running, whose)
				r.mutex.Unlock()
				close(mine)
			}, nil
		}
		r.mutex.Unlock()
		select {
		case <-before:
		case <-waits.Done():
			return nil, chat.Errorf(chat.ResourceExhausted, "another request of this user receives in this chat; wait for Retry-After")
		}
	}
}
