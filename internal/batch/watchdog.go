package batch

import "time"

// Coarse is how exact MaxWait is. One watchdog ends the waits of all callers, so that none needs a timer of its own.
const Coarse = 50 * time.Millisecond

// watchdog looks at what waits, every Coarse as long as anything does. The Batcher's mutex guards it.
type watchdog struct {
	timer *time.Timer
	awake bool
	now   time.Time // when it last looked: callers that come before it looks again came then
}

// watch wakes the watchdog; b.mutex is held.
func (b *Batcher[In, Out]) watch() {
	d := &b.watchdog
	if d.awake {
		return
	}
	d.awake, d.now = true, time.Now()
	if d.timer == nil {
		d.timer = time.AfterFunc(Coarse, b.look)
	} else {
		d.timer.Reset(Coarse)
	}
}

// look ends the waits that have lasted for MaxWait.
func (b *Batcher[In, Out]) look() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	d := &b.watchdog
	d.now = time.Now()
	if b.inFlight == 0 {
		d.awake = false
		return
	}
	late := d.now.Add(-b.options.MaxWait)
	for w := b.queue.first; w != nil && !w.arrived.After(late); w = b.queue.first { // they are in the order of arrival
		b.queue.remove(w)
		w.end(ErrNotStarted)
	}
	for _, f := range b.flights {
		for _, w := range f.waiters {
			if !w.leads && !w.arrived.After(late) { // one that leads waits for nobody
				w.end(ErrAbandoned)
			}
		}
	}
	d.timer.Reset(Coarse)
}
