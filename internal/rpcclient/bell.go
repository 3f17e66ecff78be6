package rpcclient

import "sync"

// bell wakes any number of goroutines, however often it rings.
type bell struct {
	mutex sync.Mutex
	rung  chan struct{}
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

// next is closed when the bell rings next. One who asks before it looks at what may have changed misses nothing.
func (b *bell) next() <-chan struct{} {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.rung
}

func (b *bell) ring() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	close(b.rung)
	b.rung = make(chan struct{})
}
