package kafka_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/pullchat/pullchat/worker/kafka"
)

// TestLogin: the worker logs in over TLS with each mechanism. With a wrong password or an unknown authority it does not, and the
// state says why.
func TestLogin(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	t.Cleanup(server.Close)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			b := newBed(t)
			c := newCluster(t, kfake.SeedTopics(1, "chat"), kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "worker", "secret"),
				kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}))
			config := settings(c.addrs...)
			config.KafkaTopic, config.KafkaTLS, config.KafkaCA = "chat", "on", authority
			config.KafkaSASLMechanism, config.KafkaSASLUser, config.KafkaSASLPassword = mechanism, "worker", "secret"
			b.send("room", "ann", mechanism)
			fails := func(what, why string, change func(*kafka.Config)) {
				t.Helper()
				wrong := config
				change(&wrong)
				stop := b.work(wrong, nil)
				await(t, "the state says that it is "+what, func() bool { return strings.Contains(b.state().Error, why) })
				stop()
				if p := c.PartitionInfo("chat", 0); p.HighWatermark > 0 {
					t.Errorf("with %s, it produced", what)
				}
			}
			switch mechanism {
			case "scram-sha-256":
				fails("a wrong password", "the brokers do not acknowledge; "+c.addrs[0], func(c *kafka.Config) { c.KafkaSASLPassword = "guess" })
			case "plain":
				fails("an unknown authority", "certificate", func(c *kafka.Config) { c.KafkaCA = "" })
			}
			stop := b.work(config, nil)
			await(t, "it is in the topic", func() bool {
				p := c.PartitionInfo("chat", 0)
				return p != nil && p.HighWatermark > 0 && b.state().Lag == 0 && b.state().FailingSince == 0
			})
			stop()
		})
	}
}
