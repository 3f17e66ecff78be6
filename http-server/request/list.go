package request

import "sync/atomic"

// List is a list of names, such as origins, that may change while requests are served. A nil List is empty.
type List struct{ names atomic.Pointer[[]string] }

// NewList returns a List of names.
func NewList(names []string) *List {
	l := &List{}
	l.Set(names)
	return l
}

// Get returns the names. The caller does not change them.
func (l *List) Get() []string {
	if l == nil {
		return nil
	}
	return *l.names.Load()
}

// Set replaces the names.
func (l *List) Set(names []string) { l.names.Store(&names) }
