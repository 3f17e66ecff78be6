package gateway

import (
	"net"
	"syscall"
	"time"
)

// userTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall lacks.
const userTimeout = 18

// unacknowledged bounds how long written data may wait for the acknowledgement of the client's kernel. Keep-alive does
// not count meanwhile, and without a bound the kernel repeats for a quarter of an hour.
func unacknowledged(conn *net.TCPConn, limit time.Duration) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(limit.Milliseconds()))
	})
}
