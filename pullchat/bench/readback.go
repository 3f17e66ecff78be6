package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ReadBack is the result of the read-back. All fields but Acknowledged and Unknown are faults.
type ReadBack struct {
	Acknowledged int `json:"acknowledged"`
	Unknown      int `json:"unknown"` // sent without a clear answer: each may be stored once
	Missing      int `json:"missing"` // acknowledged, but absent or at another position
	Doubled      int `json:"doubled"`
	OutOfOrder   int `json:"out_of_order"`
	Strange      int `json:"strange"` // stored, but never sent
	WrongPages   int `json:"wrong_pages"`
}

// Faults returns the number of faults.
func (b ReadBack) Faults() int {
	return b.Missing + b.Doubled + b.OutOfOrder + b.Strange + b.WrongPages
}

// readBack pulls every chat from its beginning and compares it with the messages sent.
func (r *run) readBack(ctx context.Context) (ReadBack, error) {
	var total ReadBack
	perChat := make([]map[string]int64, r.Chats) // text → position, 0 where unknown
	for chat := range perChat {
		perChat[chat] = map[string]int64{}
	}
	note := func(worker int, messages []sent) {
		for _, m := range messages {
			perChat[m.chat][string(r.text(worker, m.number))] = m.sendTime
			if m.sendTime == 0 {
				total.Unknown++
			} else {
				total.Acknowledged++
			}
		}
	}
	note(-1, r.histories)
	for _, w := range r.workers {
		note(w.number, w.messages)
		total.WrongPages += w.wrong
	}
	var mutex sync.Mutex
	var failed error
	var group sync.WaitGroup
	chats := make(chan int)
	for range 8 {
		conn, err := r.service()
		if err != nil {
			return total, err
		}
		defer conn.close()
		group.Go(func() {
			for chat := range chats {
				found, err := r.readChat(ctx, conn, chat, perChat[chat])
				mutex.Lock()
				total.Missing += found.Missing
				total.Doubled += found.Doubled
				total.OutOfOrder += found.OutOfOrder
				total.Strange += found.Strange
				if err != nil {
					failed = err
				}
				mutex.Unlock()
			}
		})
	}
	for chat := range r.Chats {
		chats <- chat
	}
	close(chats)
	group.Wait()
	return total, failed
}

// readChat checks one chat. A worker waits for each answer before the next send, so its messages must be in the order
// of their numbers.
func (r *run) readChat(ctx context.Context, conn *connection, chat int, expected map[string]int64) (found ReadBack, err error) {
	seen := map[string]bool{}
	lastOf := map[string]int{}
	last := int64(0)
	for cursor, more := int64(0), true; more; {
		status, body, err := conn.pull(ctx, r.chat(chat), cursor, 100, false)
		if err != nil {
			return found, err
		}
		var page struct {
			Messages []struct {
				Text, Sender, Type string
				SendTime           int64 `json:"send_time"`
			}
			HasMore    bool   `json:"has_more"`
			NextCursor int64  `json:"next_cursor"`
			Message    string // of an error
		}
		if err := json.Unmarshal(body, &page); err != nil || status != 200 {
			return found, errors.Join(fmt.Errorf("pull: status %d %s", status, page.Message), err)
		}
		for _, m := range page.Messages {
			if m.Type == "notice" { // a room's notices are not part of the load
				continue
			}
			position, known := expected[m.Text]
			switch {
			case !known:
				found.Strange++
			case seen[m.Text]:
				found.Doubled++
			case position != 0 && position != m.SendTime:
				found.Missing++
			}
			var number int
			_, _ = fmt.Sscanf(m.Text[strings.IndexByte(m.Text, '/')+1:], "%d", &number)
			if previous, ok := lastOf[m.Sender]; m.SendTime <= last || ok && number <= previous {
				found.OutOfOrder++
			}
			seen[m.Text], lastOf[m.Sender], last = true, number, m.SendTime
		}
		cursor, more = page.NextCursor, page.HasMore
	}
	for text, position := range expected {
		if position != 0 && !seen[text] {
			found.Missing++
		}
	}
	return found, nil
}
