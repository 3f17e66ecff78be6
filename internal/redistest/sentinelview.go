package redistest

import (
	"fmt"
	"net"
	"strings"
)

// named returns the server that all running Sentinels name as the master. They must be a quorum.
func (f *Sentinel) named() (*Server, error) {
	var master *Server
	answers := 0
	for _, sentinel := range f.sentinels {
		if !sentinel.running() {
			continue
		}
		answer, err := sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
		if err != nil {
			return nil, fmt.Errorf("ask Sentinel %s for the master: %w", sentinel.Addr(), err)
		}
		s := f.at(answer)
		if s == nil || master != nil && s != master {
			return nil, fmt.Errorf("the Sentinels do not name one master: %s says %v", sentinel.Addr(), answer)
		}
		master = s
		answers++
	}
	if answers < quorum {
		return nil, fmt.Errorf("%d Sentinels run, they need %d", answers, quorum)
	}
	return master, nil
}

// at returns the server with an address as Sentinels report it.
func (f *Sentinel) at(address any) *Server {
	pair, _ := address.([]any)
	if len(pair) != 2 {
		return nil
	}
	host, _ := pair[0].(string)
	port, _ := pair[1].(string)
	for _, s := range f.servers {
		if s.Addr() == net.JoinHostPort(host, port) {
			return s
		}
	}
	return nil
}

func (f *Sentinel) inSync() error {
	master, err := f.named()
	if err != nil {
		return err
	}
	if err := isMaster(master); err != nil {
		return err
	}
	for _, s := range f.servers {
		if s != master && s.running() {
			if err := isReplicaOf(s, master); err != nil {
				return err
			}
		}
	}
	for _, sentinel := range f.sentinels {
		if sentinel.running() {
			if err := f.known(sentinel, master); err != nil {
				return fmt.Errorf("Sentinel %s: %w", sentinel.Addr(), err)
			}
		}
	}
	return nil
}

// known returns an error for a server or Sentinel that a Sentinel does not know, or reports wrongly.
func (f *Sentinel) known(sentinel, master *Server) error {
	for _, list := range []struct {
		command string
		of      []*Server
		not     *Server
	}{
		{"MASTERS", []*Server{master}, nil},
		{"REPLICAS", f.servers, master},
		{"SENTINELS", f.sentinels, sentinel},
	} {
		command := []string{"SENTINEL", list.command, MasterName}
		if list.command == "MASTERS" {
			command = command[:2]
		}
		answer, err := sentinel.ask(command...)
		if err != nil {
			return err
		}
		flags := map[string]string{} // by address
		entries, _ := answer.([]any)
		for _, entry := range entries {
			fields := texts(entry)
			flags[net.JoinHostPort(fields["ip"], fields["port"])] = fields["flags"]
		}
		for _, s := range list.of {
			if s == list.not {
				continue
			}
			seen, ok := flags[s.Addr()]
			if !ok {
				return fmt.Errorf("SENTINEL %s does not have %s", list.command, s.Addr())
			}
			if s.running() && (strings.Contains(seen, "down") || strings.Contains(seen, "disconnected") ||
				strings.Contains(seen, "failover")) {
				return fmt.Errorf("SENTINEL %s has %s as %s", list.command, s.Addr(), seen)
			}
		}
	}
	return nil
}

// isMaster returns an error if the server does not act as master.
func isMaster(s *Server) error {
	role, err := s.info("replication", "role")
	if err != nil {
		return fmt.Errorf("ask %s for its role: %w", s.Addr(), err)
	}
	if role != "master" {
		return fmt.Errorf("%s is %s, not master", s.Addr(), role)
	}
	return nil
}

// isReplicaOf returns an error if the server is not a connected replica of master, past its first sync.
func isReplicaOf(s, master *Server) error {
	answer, err := s.ask("ROLE")
	if err != nil {
		return fmt.Errorf("ask %s for its role: %w", s.Addr(), err)
	}
	// slave, host, port, state, offset
	role, _ := answer.([]any)
	if len(role) != 5 || role[0] != "slave" || role[2] != int64(master.port) || role[3] != "connected" {
		return fmt.Errorf("%s is %v, not a connected replica of %s", s.Addr(), role, master.Addr())
	}
	return nil
}
