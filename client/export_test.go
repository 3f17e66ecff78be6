package client

import "time"

// WithSilence sets how long a server may say nothing.
func WithSilence(d time.Duration) Option { return func(c *Client) { c.silence = d } }

// WithExchangePause sets how long a failure to exchange tokens is that of all who ask for it.
func WithExchangePause(d time.Duration) Option { return func(c *Client) { c.identity.pause = d } }
