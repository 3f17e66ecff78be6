package gateway

import (
	"net"
	"time"
)

// keepAlive finds a client that is gone without a word, such as one without power, within 90 seconds: its connection would hold a
// place, and count as present.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 6}

// watchOver makes the kernel end a connection whose client is gone, whether or not something was written to it.
func watchOver(conn *net.TCPConn, config net.KeepAliveConfig) {
	_ = conn.SetKeepAliveConfig(config)
	unacknowledged(conn, config.Idle+time.Duration(config.Count)*config.Interval)
}
