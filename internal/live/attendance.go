package live

import (
	"context"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Present is the readers who are present in a chat, through any gateway. It is shared, and must not be changed.
type Present struct {
	Readers []string // sorted
}

// maxListed bounds the readers that a client is told of. All are counted.
const maxListed = 1000

// Listed returns the readers that a client is told of. It is never nil.
func Listed(readers []string) []string {
	if readers == nil {
		return []string{}
	}
	return readers[:min(len(readers), maxListed)]
}

// attend is a followed chat's state of presence. The attendance's mutex guards it.
type attend struct {
	readers map[string]int // readers who follow the chat here, with the number of follows
	wanted  int            // followers who want presence events
	dirty   bool           // the readers differ from the last report
	stale   bool           // the present readers may have changed
	said    time.Time      // the time of the last report
	asked   time.Time      // the time of the last query
}

const (
	// presenceTick is the interval of reports and queries.
	presenceTick = 250 * time.Millisecond
	// presenceRest is the minimum time between two reports or queries of a chat.
	presenceRest = time.Second
	// sayAgain is the interval of repeated reports. Readers do not lapse if two of them are lost.
	sayAgain = chat.AttendanceLapses / 3
	// sayAtOnce bounds the chats of one report.
	sayAtOnce = 500
)

// attendance reports the readers of this gateway, and queries those of all gateways.
type attendance struct {
	gateway   string // a unique name of this process
	live      chat.Live
	admission *admission

	mutex sync.Mutex
	chats map[*followedChat]struct{} // with a pending or repeated report, or a query
}

func (a *attendance) join(c *followedChat, wanted Follow) {
	if wanted.Reader == "" && !wanted.Presence {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if wanted.Reader != "" {
		if c.readers == nil {
			c.readers = map[string]int{}
		}
		c.readers[wanted.Reader]++
		c.dirty = c.dirty || c.readers[wanted.Reader] == 1
	}
	if wanted.Presence {
		c.wanted++
		c.stale = true
	}
	a.chats[c] = struct{}{}
}

func (a *attendance) leaveOne(c *followedChat, wanted Follow) {
	if wanted.Reader == "" && !wanted.Presence {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if wanted.Presence {
		c.wanted--
	}
	if wanted.Reader == "" {
		return
	}
	if c.readers[wanted.Reader]--; c.readers[wanted.Reader] == 0 {
		delete(c.readers, wanted.Reader)
		c.dirty = true
	}
}

// holds reports whether a chat still needs reports.
func (a *attendance) holds(c *followedChat) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	_, ok := a.chats[c]
	return ok
}

// changed schedules a query of the present readers, if a follower wants them.
func (a *attendance) changed(c *followedChat) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	c.stale = true
}

func (a *attendance) run(ctx context.Context) {
	ticker := time.NewTicker(presenceTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			a.say(ctx, a.toSay(now))
			a.ask(ctx, a.toAsk(now))
		}
	}
}

// leave reports that no reader is present here any more, after the sessions were closed.
func (a *attendance) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), presenceRest)
	defer cancel()
	a.say(ctx, a.toSay(time.Now().Add(sayAgain)))
}

// toSay returns the chats whose report is due, and forgets those that need none.
func (a *attendance) toSay(now time.Time) (due []*followedChat) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for c := range a.chats {
		since := now.Sub(c.said)
		switch {
		case c.dirty && since >= presenceRest, since >= sayAgain && (len(c.readers) > 0 || c.wanted > 0):
			due = append(due, c)
		case !c.dirty && len(c.readers) == 0 && c.wanted == 0:
			delete(a.chats, c)
		}
	}
	return due
}

// say reports present readers, and repeats failed reports.
func (a *attendance) say(ctx context.Context, due []*followedChat) {
	for len(due) > 0 {
		some := due[:min(len(due), sayAtOnce)]
		due = due[len(some):]
		said := make([]chat.Attendance, len(some))
		a.mutex.Lock()
		for i, c := range some {
			said[i].Chat = c.id.String()
			for reader := range c.readers {
				said[i].Readers = append(said[i].Readers, reader)
			}
			c.dirty, c.said = false, time.Now()
		}
		a.mutex.Unlock()
		if err := a.live.ReportPresence(a.admission.asService(ctx), a.gateway, said); err != nil {
			a.mutex.Lock()
			for _, c := range some {
				c.dirty = true
				a.chats[c] = struct{}{}
			}
			a.mutex.Unlock()
		}
	}
}

func (a *attendance) toAsk(now time.Time) (due []*followedChat) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for c := range a.chats {
		if c.stale && c.wanted > 0 && now.Sub(c.asked) >= presenceRest {
			c.stale, c.asked = false, now
			due = append(due, c)
		}
	}
	return due
}

// askAtOnce bounds the concurrent queries.
const askAtOnce = 16

// ask queries the present readers, and tells the followers who want them.
func (a *attendance) ask(ctx context.Context, due []*followedChat) {
	var asking sync.WaitGroup
	slots := make(chan struct{}, askAtOnce)
	for _, c := range due {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			readers, err := a.live.Present(a.admission.asService(ctx), c.id.String())
			if err != nil {
				a.changed(c)
				return
			}
			present := &Present{Readers: readers}
			for _, l := range c.all() {
				l.presence(present)
			}
		})
	}
	asking.Wait()
}
