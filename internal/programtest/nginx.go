package programtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/internal/porttest"
)

// Nginx is an nginx in front of http-servers. It runs until its test ends.
type Nginx struct {
	addr   string
	tls    bool
	exited chan struct{}

	mutex sync.Mutex
	log   strings.Builder
}

// StartNginx runs nginx with the configuration of deploy/nginx in front of the http-servers at the given addresses. It
// waits until nginx listens. Each edit is an old and a new text of the configuration. Without an installed nginx the
// test is skipped; in CI it fails. It does not need Main.
func StartNginx(t testing.TB, gateways []string, edits ...[2]string) *Nginx {
	t.Helper()
	return startNginx(t, gateways, "", edits)
}

// StartNginxTLS is StartNginx with HTTPS and HTTP/2, by a certificate and its key in PEM.
func StartNginxTLS(t testing.TB, gateways []string, certificate, key []byte) *Nginx {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "certificate.pem"), string(certificate))
	write(t, filepath.Join(dir, "key.pem"), string(key))
	limits := "    # The limits of http-servers"
	return startNginx(t, gateways, " ssl http2", [][2]string{
		{limits, fmt.Sprintf("    ssl_certificate %s/certificate.pem;\n    ssl_certificate_key %[1]s/key.pem;\n%s", dir, limits)},
	})
}

func startNginx(t testing.TB, gateways []string, protocols string, edits [][2]string) *Nginx {
	t.Helper()
	NeedPrograms(t)
	program := findNginx(t)
	dir := t.TempDir()
	n := &Nginx{addr: porttest.Hold(t), tls: protocols != "", exited: make(chan struct{})}
	configureNginx(t, dir, n.addr+protocols, gateways, edits)
	n.run(t, program, dir)
	return n
}

// URL is its address, as http://host:port, or with https.
func (n *Nginx) URL() string {
	if n.tls {
		return "https://" + n.addr
	}
	return "http://" + n.addr
}

// Output is its error log.
func (n *Nginx) Output() string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.log.String()
}

// Write implements io.Writer, for the process.
func (n *Nginx) Write(b []byte) (int, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.log.Write(b)
}

// run starts the process and waits until it listens.
func (n *Nginx) run(t testing.TB, program, dir string) {
	t.Helper()
	process := exec.Command(program, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
	process.Stdout, process.Stderr = n, n
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = process.Wait()
		close(n.exited)
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-n.exited
		if t.Failed() {
			t.Logf("nginx wrote:\n%s", tail(n.Output(), 4000))
		}
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); ; {
		// It writes the file when it listens.
		written, err := os.ReadFile(filepath.Join(dir, "nginx.pid"))
		if err == nil && strings.TrimSpace(string(written)) == strconv.Itoa(process.Process.Pid) {
			return
		}
		select {
		case <-tick.C:
		case <-n.exited:
			t.Fatalf("nginx ended at its start:\n%s", n.Output())
		case <-deadline:
			t.Fatalf("nginx did not listen:\n%s", n.Output())
		}
	}
}

func findNginx(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} { // users' PATH may be without sbin
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("nginx is not installed: `make test` installs it")
	}
	t.Skip("SKIPPED, NOT TESTED: nginx is not installed; `make test` installs it")
	return ""
}

// nginxConf includes deploy/nginx. nginx writes only into its own folder, and runs as one process, so that killing it
// leaves nothing behind.
const nginxConf = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include pullchat*.conf;
}
`

// configureNginx writes nginx.conf and copies of deploy/nginx with other addresses.
func configureNginx(t testing.TB, dir, addr string, gateways []string, edits [][2]string) {
	t.Helper()
	const first, second, with = "    server 127.0.0.1:8080 ", "    server 127.0.0.1:8081 ", "max_fails=1 fail_timeout=1s;\n"
	var servers strings.Builder
	for _, gateway := range gateways {
		fmt.Fprintf(&servers, "    server %s %s", gateway, with)
	}
	deployed := filepath.Join(root(t), "deploy", "nginx")
	for name, replaced := range map[string][][2]string{
		"pullchat.conf":          append([][2]string{{"    listen 80;\n", "    listen " + addr + ";\n"}}, edits...),
		"pullchat-gateways.conf": {{first + with + second + with, servers.String()}},
	} {
		conf, err := os.ReadFile(filepath.Join(deployed, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(conf)
		for _, r := range replaced {
			if strings.Count(text, r[0]) != 1 {
				t.Fatalf("%s has %q %d times, want once", name, r[0], strings.Count(text, r[0]))
			}
			text = strings.Replace(text, r[0], r[1], 1)
		}
		write(t, filepath.Join(dir, name), text)
	}
	write(t, filepath.Join(dir, "nginx.conf"), nginxConf)
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// root is the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run in the module")
		}
		dir = filepath.Dir(dir)
	}
}
