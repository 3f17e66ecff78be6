package redisnode

import "testing"

func TestWithoutSecrets(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"},
		{"rediss://user:p@ss?word@host:1/2", "rediss://host:1/2"},
		{"redis+cluster://u:p@a:1,b:2?password=x", "redis+cluster://a:1,b:2"},
		{"redis+sentinel://:p@a:1,b:2/main/0?sentinel_password=x", "redis+sentinel://a:1,b:2/main/0"},
		{"secret", ""},
	} {
		if got := WithoutSecrets(c.url); got != c.want {
			t.Errorf("WithoutSecrets(%q) = %q, want %q", c.url, got, c.want)
		}
	}
}
