package gateway

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTranscripts plays the transcripts of the documentation, byte by byte.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"telnet", "devices"} {
		played := 0
		for how, script := range transcripts(t, "../../docs/"+name+".md") {
			played++
			t.Run(fmt.Sprint(name, " ", played), func(t *testing.T) {
				t.Parallel()
				play(t, name, how, script)
			})
		}
		if played < 2 {
			t.Errorf("%s has %d transcripts", name, played)
		}
	}
}

// transcripts yields the words after "transcript" at the beginning of each block, and the block's lines.
func transcripts(t *testing.T, name string) func(func(string, []string) bool) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string, []string) bool) {
		var script []string
		how, within := "", false
		for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
			line := lines.Text()
			switch {
			case strings.HasPrefix(line, "```transcript "):
				how, within, script = strings.TrimPrefix(line, "```transcript "), true, nil
			case line == "```" && within:
				within = false
				if !yield(how, script) {
					return
				}
			case within:
				script = append(script, line)
			}
		}
	}
}

func play(t *testing.T, endpoint, how string, script []string) {
	s := startStack(t, strings.Contains(how, "on"), func(c *Config, _ *limits) {
		if strings.Contains(how, "verbose") {
			c.SendsConfirmed = "verbose"
		}
	}).run(t)
	if strings.Contains(how, "on") {
		s.account(t, "alice", "carol")
		s.room(t, "lobby", "carol")
	}
	addr, end := s.TelnetAddr(), "\r\n"
	if endpoint == "devices" {
		addr, end = s.DeviceAddr(), "\n"
	}
	options := strings.NewReplacer("<IAC WILL ECHO>", "\xff\xfb\x01", "<IAC WONT ECHO>", "\xff\xfc\x01")
	peers := map[string]*peer{}
	for _, line := range script {
		who, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimLeft(rest, " ") + "  "
		sign, text := strings.TrimSpace(rest[:2]), options.Replace(strings.TrimSuffix(rest[min(3, len(rest)):], "  "))
		if sign == "!" {
			s.backend(t, who, text)
			continue
		}
		p := peers[who]
		if p == nil {
			p = dial(t, addr)
			peers[who] = p
		}
		switch sign {
		case "<":
			p.sees(text + end)
		case "<|":
			p.sees(text)
		case ">":
			p.types(text + end)
		case "cl": // closes, or is closed
			_ = p.Close()
			delete(peers, who)
		default:
			t.Fatalf("the transcript has %q", line)
		}
	}
}
