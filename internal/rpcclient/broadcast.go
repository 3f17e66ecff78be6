package rpcclient

import "sync"

// broadcast wakes any number of goroutines, any number of times.
type broadcast struct {
	mutex    sync.Mutex
	notified chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{notified: make(chan struct{})} }

// next returns a channel that the next notify closes. A caller that takes it before it reads the state misses no change.
func (b *broadcast) next() <-chan struct{} {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.notified
}

func (b *broadcast) notify() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	close(b.notified)
	b.notified = make(chan struct{})
}
