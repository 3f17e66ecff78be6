package client

import "time"

// WithSilence sets how long a server may say nothing.
func WithSilence(d time.Duration) Option { return func(c *Client) { c.silence = d } }
