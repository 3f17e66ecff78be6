package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const folder = "../../deploy/observability/"

// TestDashboardIsFresh: dashboard.json is the output of the program.
func TestDashboardIsFresh(t *testing.T) {
	written, err := exec.Command("go", "run", folder+"dashboard").Output()
	if err != nil {
		t.Fatal(err)
	}
	if committed := read(t, "dashboard.json"); !bytes.Equal(committed, written) {
		t.Error("deploy/observability/dashboard.json is stale: run make dashboard")
	}
}

// TestAlerts: Prometheus accepts the configuration and the rules, each alert has a test, and all tests pass.
func TestAlerts(t *testing.T) {
	promtool := prometheus(t, "promtool")
	for _, arguments := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		command := exec.Command(promtool, arguments...)
		command.Dir = folder
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, output)
		}
	}
	tests := string(read(t, "alerts_test.yml"))
	for name := range alerts(t) {
		if !strings.Contains(tests, "alertname: "+name+"\n") {
			t.Errorf("alerts_test.yml has no test of %s", name)
		}
	}
}

// TestQueriesReturnData: every query of the dashboard and of the alerts returns data of a live run.
func TestQueriesReturnData(t *testing.T) {
	program := prometheus(t, "prometheus")
	s := start(t)
	s.live()
	s.crowd()
	s.until(5, "pullchat_projection_events_total")
	s.redis.Kill()
	s.want(503, "POST", "/api/send", "carol", fields{"chat": "alice:carol", "text": "lost"})
	base := s.scrape(program)
	queries := dashboardQueries(t)
	for name, query := range alerts(t) {
		queries["the alert "+name] = regexp.MustCompile(` (==|>) [\d.]+$`).ReplaceAllString(query, "")
	}
	if len(queries) < 30 {
		t.Errorf("there are %d queries only", len(queries))
	}
	for name, query := range queries {
		var found int
		var err error
		for over := time.Now().Add(30 * time.Second); found == 0 && err == nil && time.Now().Before(over); <-time.After(50 * time.Millisecond) {
			found, err = ask(base, query) // a rate needs two scrapes
		}
		if err != nil || found == 0 {
			t.Errorf("%s: %s returns %d series, %v", name, query, found, err)
		}
	}
}

// scrape starts a Prometheus that scrapes the stack, and returns its address.
func (s *stack) scrape(program string) string {
	s.t.Helper()
	dir := s.t.TempDir()
	config := fmt.Sprintf("global: { scrape_interval: 2s, scrape_timeout: 2s }\nscrape_configs:\n  - job_name: pullchat\n    static_configs: [{ targets: [%q] }]\n",
		strings.TrimPrefix(s.scraped.URL, "http://"))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	command := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	var output bytes.Buffer
	command.Stderr = &output
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if s.t.Failed() {
			s.t.Logf("prometheus wrote %s", output.String())
		}
	})
	base := "http://" + addr
	for over := time.Now().Add(30 * time.Second); ; <-time.After(50 * time.Millisecond) {
		found, err := ask(base, `up{job="pullchat"} == 1`)
		if err == nil && found == 1 {
			return base
		}
		if time.Now().After(over) {
			s.t.Fatalf("prometheus does not scrape: %d, %v", found, err)
		}
	}
}

// ask returns how many series a query returns.
func ask(base, query string) (int, error) {
	response, err := http.Get(base + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("prometheus refuses %s: %s", query, answer.Error)
	}
	return len(answer.Data.Result), nil
}

func dashboardQueries(t *testing.T) map[string]string {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			queries["the panel "+p.Title] = target.Expr
		}
	}
	return queries
}

// alerts returns the expressions of the alerts by name.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(read(t, "alerts.yml"), &file); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			found[rule.Alert] = rule.Expr
		}
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(folder + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
