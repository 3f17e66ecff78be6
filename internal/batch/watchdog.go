package batch

import "time"

// Coarse is the precision of MaxWait. One watchdog ends the waits of all callers, so that none needs its own timer.
const Coarse = 50 * time.Millisecond

// watchdog checks the waiters every Coarse while there are any. The Batcher's mutex guards it.
type watchdog struct {
	timer *time.Timer
	awake bool
	now   time.Time // of the last check: it counts as the arrival time of callers until the next check
}

// watch wakes the watchdog. It requires that b.mutex is held.
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
	defer b.report()
	if b.inFlight == 0 {
		d.awake = false
		return
	}
	late := d.now.Add(-b.options.MaxWait)
	for w := b.queue.first; w != nil && !w.arrived.After(late); w = b.queue.first { // in the order of arrival
		b.queue.remove(w)
		w.end(ErrNotStarted)
	}
	for _, f := range b.flights {
		for _, w := range f.waiters {
			if !w.leads && !w.arrived.After(late) { // a leading caller makes its own batch and has no wait to end
				w.end(ErrAbandoned)
			}
		}
	}
	d.timer.Reset(Coarse)
}
