package live

import (
	"context"
	"sync"
	"time"

	"github.com/pullchat/pullchat/internal/chat"
)

// Present is who is present in a chat, through whichever gateway. It is shared, and must not be changed.
type Present struct {
	Readers []string // sorted
}

// attend is what a topic knows of presence. The attendance's mutex guards it.
type attend struct {
	readers map[string]int // who follows the chat here, and how often
	wanted  int            // how many want to be told
	dirty   bool           // the readers are not those that were said last
	stale   bool           // who is present may have changed
	said    time.Time      // when the readers were said last
	asked   time.Time      // when it was asked last who is present
}

const (
	// presenceTick is how often it is looked whether something is to be said or asked.
	presenceTick = 250 * time.Millisecond
	// presenceRest is how long changes of a chat are gathered after the last one.
	presenceRest = time.Second
	// sayAgain keeps readers from lapsing, after two that were lost.
	sayAgain = chat.AttendanceLapses / 3
	// sayAtOnce is how many chats one call says something of.
	sayAtOnce = 500
)

// attendance says who is present through this gateway, and hears who is through others.
type attendance struct {
	gateway string // of this process alone
	live    chat.Live
	doors   *doors

	mutex  sync.Mutex
	topics map[*topic]struct{} // of which something is to be said or asked, now or later
}

func (a *attendance) join(t *topic, wanted Follow) {
	if wanted.Reader == "" && !wanted.Presence {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if wanted.Reader != "" {
		if t.readers == nil {
			t.readers = map[string]int{}
		}
		t.readers[wanted.Reader]++
		t.dirty = t.dirty || t.readers[wanted.Reader] == 1
	}
	if wanted.Presence {
		t.wanted++
		t.stale = true
	}
	a.topics[t] = struct{}{}
}

func (a *attendance) leaveOne(t *topic, wanted Follow) {
	if wanted.Reader == "" && !wanted.Presence {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if wanted.Presence {
		t.wanted--
	}
	if wanted.Reader == "" {
		return
	}
	if t.readers[wanted.Reader]--; t.readers[wanted.Reader] == 0 {
		delete(t.readers, wanted.Reader)
		t.dirty = true
	}
}

// holds says whether something is still to be said of a topic.
func (a *attendance) holds(t *topic) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	_, ok := a.topics[t]
	return ok
}

// changed has it asked who is present, where somebody wants to know.
func (a *attendance) changed(t *topic) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	t.stale = true
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

// leave says that nobody is present here any more: the sessions have been closed.
func (a *attendance) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), presenceRest)
	defer cancel()
	a.say(ctx, a.toSay(time.Now().Add(sayAgain)))
}

// toSay returns of which chats the readers are to be said, and forgets those of which nothing is.
func (a *attendance) toSay(now time.Time) (due []*topic) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for t := range a.topics {
		since := now.Sub(t.said)
		switch {
		case t.dirty && since >= presenceRest, since >= sayAgain && (len(t.readers) > 0 || t.wanted > 0):
			due = append(due, t)
		case !t.dirty && len(t.readers) == 0 && t.wanted == 0:
			delete(a.topics, t)
		}
	}
	return due
}

// say says who is present. What fails is said again.
func (a *attendance) say(ctx context.Context, due []*topic) {
	for len(due) > 0 {
		some := due[:min(len(due), sayAtOnce)]
		due = due[len(some):]
		said := make([]chat.Attendance, len(some))
		a.mutex.Lock()
		for i, t := range some {
			said[i].Chat = t.id.String()
			for reader := range t.readers {
				said[i].Readers = append(said[i].Readers, reader)
			}
			t.dirty, t.said = false, time.Now()
		}
		a.mutex.Unlock()
		if err := a.live.ReportPresence(a.doors.asService(ctx), a.gateway, said); err != nil {
			a.mutex.Lock()
			for _, t := range some {
				t.dirty = true
				a.topics[t] = struct{}{}
			}
			a.mutex.Unlock()
		}
	}
}

func (a *attendance) toAsk(now time.Time) (due []*topic) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	for t := range a.topics {
		if t.stale && t.wanted > 0 && now.Sub(t.asked) >= presenceRest {
			t.stale, t.asked = false, now
			due = append(due, t)
		}
	}
	return due
}

// askAtOnce is how many chats are asked about at a time.
const askAtOnce = 16

// ask asks who is present, and tells those who want to know.
func (a *attendance) ask(ctx context.Context, due []*topic) {
	var asking sync.WaitGroup
	room := make(chan struct{}, askAtOnce)
	for _, t := range due {
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			readers, err := a.live.Present(a.doors.asService(ctx), t.id.String())
			if err != nil {
				a.changed(t)
				return
			}
			present := &Present{Readers: readers}
			for _, l := range t.all() {
				l.presence(present)
			}
		})
	}
	asking.Wait()
}
