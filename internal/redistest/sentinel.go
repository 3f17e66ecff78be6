package redistest

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// MasterName is the Sentinels' name for their master.
const MasterName = "pullchat"

// quorum is how many of the three Sentinels must agree.
const quorum = 2

// Sentinel is a master with two replicas, and three Sentinels. They replace a master that was killed or stopped a second
// later.
type Sentinel struct {
	Certificates

	t         testing.TB
	servers   []*Server
	sentinels []*Server
}

// StartSentinel starts all six, the servers with further arguments as for Start. It waits until the replicas are in
// sync and the Sentinels know all servers and each other.
func StartSentinel(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	Need(t)
	return startSentinelForm(t, Certificates{}, args)
}

// StartSentinelTLS is StartSentinel with servers and Sentinels that speak only TLS, also with each other.
func StartSentinelTLS(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	Need(t)
	return startSentinelForm(t, newCertificates(t), args)
}

func startSentinelForm(t testing.TB, certificates Certificates, args []string) *Sentinel {
	t.Helper()
	f := &Sentinel{Certificates: certificates, t: t}
	for range 3 {
		own := replication(args)
		if len(f.servers) > 0 {
			own = append(own, "--replicaof", "127.0.0.1", strconv.Itoa(f.servers[0].port))
		}
		f.servers = append(f.servers, start(t, certificates, append(own, args...)))
	}
	for range 3 {
		f.sentinels = append(f.sentinels, startSentinel(t, f.servers[0]))
	}
	f.WaitUntilInSync()
	for _, s := range f.all() {
		s.alert = func() { f.suspectAfter(brisk) }
	}
	return f
}

// suspectAfter sets the time of silence after which a server counts as down.
func (f *Sentinel) suspectAfter(milliseconds string) {
	for _, s := range f.sentinels {
		if s.running() {
			_, _ = s.ask("SENTINEL", "SET", MasterName, "down-after-milliseconds", milliseconds)
		}
	}
}

// replication is the arguments of a server that may become master or replica: no delay before syncing a replica, and
// the credentials for a master.
func replication(args []string) []string {
	own := []string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}
	if user := credentialsIn(args); user != nil {
		password, _ := user.Password()
		own = append(own, "--masterauth", password)
		if name := user.Username(); name != "" {
			own = append(own, "--masteruser", name)
		}
	}
	return own
}

// startSentinel starts one Sentinel. It polls and publishes more often than by default: Sentinels then find each other,
// and demote a returned master, in less than seconds. It also does not enter TILT for 30 seconds when the machine was
// busy.
//
// A server counts as down after two ping periods. Sentinels break the connections of a server with a new role, and one
// with an old last answer would count as down at once. When a master is replaced, a Sentinel's knowledge of a replica
// may be five ping periods old; it is renewed each second then.
func startSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	s := &Server{Certificates: master.Certificates, t: t, dir: t.TempDir(), flags: []string{"--sentinel"}}
	s.afterStart = []string{
		"SENTINEL", "DEBUG", "ping-period", "400", "info-period", "500", "publish-period", "200", "ask-period", "100",
		"tilt-trigger", "10000",
	}
	s.begin(func() []string {
		args := []string{
			"--sentinel", "resolve-hostnames", "no",
			"--sentinel", "monitor", MasterName, "127.0.0.1", strconv.Itoa(master.port), strconv.Itoa(quorum),
			"--sentinel", "down-after-milliseconds", MasterName, "1000",
			"--sentinel", "failover-timeout", MasterName, "2000",
			"--sentinel", "parallel-syncs", MasterName, "1",
		}
		if master.credentials != nil {
			password, _ := master.credentials.Password()
			args = append(args, "--sentinel", "auth-pass", MasterName, password)
			if name := master.credentials.Username(); name != "" {
				args = append(args, "--sentinel", "auth-user", MasterName, name)
			}
		}
		return args
	})
	return s
}

// URL is a value for REDIS_URL: redis+sentinel:// or rediss+sentinel:// with the Sentinels' addresses, the master's
// name, and the servers' credentials if any. The Sentinels need none.
func (f *Sentinel) URL() string {
	query := url.Values{"master_name": {MasterName}}
	for _, s := range f.sentinels[1:] {
		query.Add("addr", s.Addr())
	}
	return (&url.URL{
		Scheme: f.scheme() + "+sentinel", User: f.servers[0].credentials, Host: f.sentinels[0].Addr(), Path: "/0",
		RawQuery: query.Encode(),
	}).String()
}

// Servers are all three, in any role: the first was the first master.
func (f *Sentinel) Servers() []*Server { return append([]*Server(nil), f.servers...) }

// Sentinels are all three.
func (f *Sentinel) Sentinels() []*Server { return append([]*Server(nil), f.sentinels...) }

// Master is the server that the Sentinels name now. It may have been killed.
func (f *Sentinel) Master() *Server {
	f.t.Helper()
	var master *Server
	await(f.t, func() (err error) {
		master, err = f.named()
		return err
	}, f.sentinels...)
	return master
}

// Replicas are the servers other than the present master, including killed ones.
func (f *Sentinel) Replicas() []*Server {
	f.t.Helper()
	master := f.Master()
	var replicas []*Server
	for _, s := range f.servers {
		if s != master {
			replicas = append(replicas, s)
		}
	}
	return replicas
}

// WaitForMaster waits until the running Sentinels name another master than old and that server acts as master. It
// returns that server.
func (f *Sentinel) WaitForMaster(other *Server) *Server {
	f.t.Helper()
	await(f.t, func() error { return f.replaced(other) }, f.all()...)
	return f.Master()
}

// replaced returns an error until a server other than old is the master, for the Sentinels and for itself.
func (f *Sentinel) replaced(old *Server) error {
	master, err := f.named()
	if err != nil {
		return err
	}
	if master == old {
		return fmt.Errorf("the master is still %s", old.Addr())
	}
	return isMaster(master)
}

// WaitUntilInSync waits until every running server is the master or its connected replica. Each running Sentinel must
// know all servers and Sentinels, and report the running ones as up.
func (f *Sentinel) WaitUntilInSync() {
	f.t.Helper()
	await(f.t, f.inSync, f.all()...)
	f.suspectAfter(calm)
}

// Failover makes the Sentinels replace the master, and waits until all is in sync again. It returns the time from the
// command until the new master.
func (f *Sentinel) Failover() time.Duration {
	f.t.Helper()
	old := f.Master()
	start := time.Now()
	var ordered time.Time
	await(f.t, func() error {
		// Sentinels abort where their knowledge of the replicas is too old, as on a busy machine.
		if time.Since(ordered) > 5*time.Second {
			if err := f.order(); err != nil {
				return err
			}
			ordered = time.Now()
		}
		return f.replaced(old)
	}, f.all()...)
	took := time.Since(start)
	f.WaitUntilInSync()
	return took
}

// order sends SENTINEL FAILOVER to the first Sentinel that accepts it. None accepts during a failover.
func (f *Sentinel) order() error {
	err := errors.New("no Sentinel runs")
	for _, s := range f.sentinels {
		if !s.running() {
			continue
		}
		if _, err = s.ask("SENTINEL", "FAILOVER", MasterName); err == nil {
			return nil
		}
	}
	return fmt.Errorf("SENTINEL FAILOVER: %w", err)
}

func (f *Sentinel) all() []*Server { return append(f.Servers(), f.sentinels...) }
