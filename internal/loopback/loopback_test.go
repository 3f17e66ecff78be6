package loopback

import "testing"

func TestIs(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"127.0.0.1:8888": true, "127.8.9.1:0": true, "[::1]:80": true, "[::ffff:127.0.0.1]:1": true, "localhost:8888": true, "localhost": true,
		":8888": false, "0.0.0.0:8888": false, "[::]:80": false, "rpc-server:8888": false, "10.0.0.1:1": false, "": false,
		"localhost.example.org:1": false,
	} {
		if got := Is(addr); got != want {
			t.Errorf("Is(%q) = %v, want %v", addr, got, want)
		}
	}
}
