package webhook

import "time"

// CleanAfter sets when the projections of removed webhooks are removed and forgotten.
func (s *Sink) CleanAfter(stopped, forgotten time.Duration) {
	s.stopped, s.forgotten = stopped, forgotten
}

// Encode is the body of an event.
var Encode = encode

// ID is an event's id as a header has it.
var ID = webhookID
