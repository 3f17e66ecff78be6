//go:build !linux

package gateway

import (
	"net"
	"time"
)

// unacknowledged does nothing: the kernel's own limit applies.
func unacknowledged(*net.TCPConn, time.Duration) {}
