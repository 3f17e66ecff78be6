package handler

// signalEvent is the JSON of a signal event.
type signalEvent struct {
	Chat   string `json:"chat"`
	Sender string `json:"sender"`
	Type   string `json:"type"`
	Data   string `json:"data,omitempty"`
}

// readEvent carries a reader's cursor.
type readEvent struct {
	Chat   string `json:"chat"`
	Reader string `json:"reader"`
	Cursor int64  `json:"cursor"`
}

// deletedEvent says that a room was deleted.
type deletedEvent struct {
	Chat string `json:"chat"`
}
