package live

// Share bounds how many chats the sessions of one client follow, all together. It is safe for concurrent use.
type Share interface {
	// Take counts one chat more, or returns why the client may not follow it.
	Take() error
	// Add counts so many more, or fewer, whatever the bound.
	Add(chats int)
	// Left is how many more may be followed. It is not negative.
	Left() int
}

// leastInbox is how many chats of an inbox are followed at least, however much the client follows beside it.
const leastInbox = 100

// unbounded is the Share of those who have no bound.
type unbounded struct{}

func (unbounded) Take() error { return nil }
func (unbounded) Add(int)     {}
func (unbounded) Left() int   { return 1 << 30 }
