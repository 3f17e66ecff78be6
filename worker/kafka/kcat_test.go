package kafka_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/pullchat/pullchat/internal/chat"
)

// needKcat returns the program kcat: a client of Kafka over another library, librdkafka.
func needKcat(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err == nil {
		return program
	}
	if os.Getenv("CI") != "" {
		t.Fatal("kcat is not installed: `make test` installs it")
	}
	t.Skip("SKIPPED, NOT TESTED: kcat is not installed; `make test` installs it")
	return ""
}

// TestKcat: another client reads the produced records, with key and headers, and its own records are sent as messages.
func TestKcat(t *testing.T) {
	t.Parallel()
	kcat := needKcat(t)
	b, c := newBed(t), newCluster(t, kfake.SeedTopics(1, "chat", "in", "in.dead"))
	broker := strings.Join(c.addrs, ",")
	write := exec.CommandContext(t.Context(), kcat, "-b", broker, "-P", "-t", "in", "-X", "enable.idempotence=true", "-k", "k")
	write.Stdin = strings.NewReader(`{"chat":"ben:ann","text":"grüß \"dich\"","sender":"ann"}` + "\n" + `{"chat":"ann:ben","text":"two","sender":"ben","id":"x"}` + "\nbad\n")
	if output, err := write.CombinedOutput(); err != nil {
		t.Fatalf("kcat -P: %v: %s", err, output)
	}
	config := settings(c.addrs...)
	config.KafkaTopic, config.KafkaInTopic = "chat", "in"
	b.work(config, nil)
	read := func(topic string, n int) []string {
		t.Helper()
		output, err := exec.CommandContext(t.Context(), kcat, "-b", broker, "-C", "-t", topic, "-o", "beginning", "-c", fmt.Sprint(n), "-q", "-f", `%k|%h|%s\n`).Output()
		if err != nil {
			t.Fatalf("kcat -C: %v", err)
		}
		return strings.Split(strings.TrimSpace(string(output)), "\n")
	}
	await(t, "two are stored", func() bool { return len(b.log("ann:ben")) == 2 })
	var want []string
	for _, m := range b.log("ann:ben") {
		id := chat.EventID("ann:ben", m.SendTime)
		text := strings.ReplaceAll(m.Text, `"`, `\"`)
		want = append(want, fmt.Sprintf(`ann:ben|id=%s,position=%d|{"chat":"ann:ben","text":"%s","sender":"%s","send_time":%d,"id":"%s"}`, id, m.SendTime, text, m.Sender, m.SendTime, m.ID))
	}
	if got := read("chat", 2); !slices.Equal(got, want) {
		t.Errorf("kcat reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	dead := `k|error=invalid_argument: the record is not a JSON object like {"chat":"alice:bob"},source=in/0/2|bad`
	if got := read("in.dead", 1); !slices.Equal(got, []string{dead}) {
		t.Errorf("kcat reads the dead letter %s, want %s", got, dead)
	}
}
