package redistest

import (
	"fmt"
	"strconv"
	"strings"
)

// node is a line of CLUSTER NODES: one node as reported by itself or by another.
type node struct {
	server *Server
	id     string
	master string // the id of its master, if it is a replica
	flags  string
	linked bool
	epoch  int
	ranges [][2]int // of slots, both ends included
	sees   []node   // of a queried node: all nodes as it reports them, itself included
}

// view is each running node's report of itself. A node knows its own changes first.
func (c *Cluster) view() ([]node, error) {
	var nodes []node
	for _, s := range c.nodes {
		if !s.running() {
			continue
		}
		n, err := c.asked(s)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (c *Cluster) asked(s *Server) (node, error) {
	answer, err := s.ask("CLUSTER", "NODES")
	if err != nil {
		return node{}, fmt.Errorf("CLUSTER NODES of %s: %w", s.Addr(), err)
	}
	text, _ := answer.(string)
	var self node
	var sees []node
	for line := range strings.Lines(text) {
		n, err := c.parse(line)
		if err != nil {
			return node{}, err
		}
		sees = append(sees, n)
		if strings.Contains(n.flags, "myself") {
			self = n
		}
	}
	self.server, self.sees = s, sees
	return self, nil
}

// parse reads: id ip:port@bus flags master ping pong epoch state slots…, where slots under migration are in brackets.
func (c *Cluster) parse(line string) (node, error) {
	words := strings.Fields(line)
	if len(words) < 8 {
		return node{}, fmt.Errorf("%q is no line of CLUSTER NODES", line)
	}
	n := node{id: words[0], flags: words[2], linked: words[7] == "connected"}
	if words[3] != "-" {
		n.master = words[3]
	}
	for _, s := range c.nodes {
		if strings.HasPrefix(words[1], s.Addr()+"@") {
			n.server = s
		}
	}
	var err error
	if n.epoch, err = strconv.Atoi(words[6]); err != nil {
		return node{}, err
	}
	for _, word := range words[8:] {
		if strings.HasPrefix(word, "[") {
			continue
		}
		first, last, ok := strings.Cut(word, "-")
		if !ok {
			last = first
		}
		low, err := strconv.Atoi(first)
		if err != nil {
			return node{}, err
		}
		high, err := strconv.Atoi(last)
		if err != nil {
			return node{}, err
		}
		n.ranges = append(n.ranges, [2]int{low, high})
	}
	return n, nil
}

// owners has for each slot the id of the node that serves it. If several claim it, the latest epoch wins.
func owners(nodes []node) [slots]string {
	var ids [slots]string
	var epochs [slots]int
	for _, n := range nodes {
		for _, r := range n.ranges {
			for slot := r[0]; slot <= r[1]; slot++ {
				if ids[slot] == "" || n.epoch > epochs[slot] {
					ids[slot], epochs[slot] = n.id, n.epoch
				}
			}
		}
	}
	return ids
}

func serves(owners [slots]string, id string) bool {
	for _, owner := range owners {
		if owner == id {
			return true
		}
	}
	return false
}

// seesAll returns an error unless the node reports all running nodes as linked and not failing.
func (n node) seesAll(running []node) error {
	for _, other := range running {
		found := false
		for _, seen := range n.sees {
			if seen.id != other.id {
				continue
			}
			found = true
			if strings.Contains(seen.flags, "fail") || strings.Contains(seen.flags, "handshake") || !seen.linked ||
				seen.master != other.master {
				return fmt.Errorf("for %s, %s is %s, linked %v", n.server.Addr(), other.server.Addr(), seen.flags, seen.linked)
			}
		}
		if !found {
			return fmt.Errorf("%s does not know %s", n.server.Addr(), other.server.Addr())
		}
	}
	return nil
}

// node returns a running server's report of itself.
func (c *Cluster) node(s *Server) node {
	c.t.Helper()
	n, err := c.asked(s)
	if err != nil {
		c.t.Fatalf("%v\n%s", err, s.logTail())
	}
	return n
}

// idOf returns the id of a server. If it was killed, other nodes report it.
func (c *Cluster) idOf(s *Server, nodes []node) (string, error) {
	for _, n := range nodes {
		for _, seen := range n.sees {
			if seen.server == s {
				return seen.id, nil
			}
		}
	}
	return "", fmt.Errorf("no running node knows %s", s.Addr())
}
