package redistest

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// MasterName is what the Sentinels call the master that they watch.
const MasterName = "pullchat"

// quorum is how many of the three Sentinels must agree.
const quorum = 2

// Sentinel is a master with two replicas, and three Sentinels that watch them and replace the master when it has not
// answered for a second: with less, it is replaced too when the machine is busy.
type Sentinel struct {
	Certificates

	t         testing.TB
	servers   []*Server
	sentinels []*Server
}

// StartSentinel starts all six, the servers with further arguments as Start has them, and waits until the replicas are
// in sync and the Sentinels know all of that and each other.
func StartSentinel(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	needRedis(t)
	return startSentinelForm(t, Certificates{}, args)
}

// StartSentinelTLS is StartSentinel with servers and Sentinels that talk TLS only, also with each other.
func StartSentinelTLS(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	needRedis(t)
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
	return f
}

// replication is what a server that may become master or replica is started with: no pause before a replica is
// served, and the credentials that a master asks for.
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

// startSentinel starts one Sentinel. It looks and speaks more often than it would by itself, so that Sentinels find
// each other, and make a replica of a master that is back, in less than seconds; and it does not think for 30 seconds
// that the clock is wrong when the machine was busy.
//
// Two pings fit into the time after which a server counts as down: Sentinels break the connections of a server that
// they give a new role, and one whose last answer is just that old would count as down at once. Five ping periods is
// how old a Sentinel's knowledge of a replica may be when a master is replaced; it is renewed each second then.
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

// URL is what REDIS_URL is set to: redis+sentinel:// or rediss+sentinel:// with the Sentinels' addresses, the master's name, and the
// servers' credentials where there are some. The Sentinels ask for none.
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

// Servers are all three, whatever they are now: the first was the first master.
func (f *Sentinel) Servers() []*Server { return append([]*Server(nil), f.servers...) }

// Sentinels are all three.
func (f *Sentinel) Sentinels() []*Server { return append([]*Server(nil), f.sentinels...) }

// Master is the server that the Sentinels name now, which may have been killed.
func (f *Sentinel) Master() *Server {
	f.t.Helper()
	var master *Server
	await(f.t, func() (err error) {
		master, err = f.named()
		return err
	}, f.sentinels...)
	return master
}

// Replicas are the servers that are not the master now, killed ones included.
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

// WaitForMaster waits until the Sentinels that run name another master than the given one, and that one takes itself
// for the master, and returns it.
func (f *Sentinel) WaitForMaster(other *Server) *Server {
	f.t.Helper()
	await(f.t, func() error { return f.replaced(other) }, f.all()...)
	return f.Master()
}

// replaced complains unless another server than old is the master, for the Sentinels and for itself.
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

// WaitUntilInSync waits until all servers that run are the master or connected replicas of it, and each Sentinel that
// runs knows all servers and Sentinels, and sees those that run as up.
func (f *Sentinel) WaitUntilInSync() {
	f.t.Helper()
	await(f.t, f.inSync, f.all()...)
}

// Failover makes the Sentinels put a replica in the master's place, and waits until all is in sync again. It returns
// how long it was from the order until there was the new master.
func (f *Sentinel) Failover() time.Duration {
	f.t.Helper()
	old := f.Master()
	start := time.Now()
	var ordered time.Time
	await(f.t, func() error {
		// It is given up where what the Sentinels know of the replicas is too old, as on a busy machine.
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

// order orders a failover at the first Sentinel that does it. None does while the one before is not over.
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
