package redistest

import (
	"fmt"
	"strconv"
)

// Migration is one slot that moves from one master to another. Until Finish, From answers for keys that it still has,
// and redirects clients for all others to To with ASK. To answers for the slot only to redirected clients. Afterwards
// To serves the slot, and From answers MOVED.
type Migration struct {
	Slot     int
	From, To *Server
	c        *Cluster
}

// Migrate begins to move the slot. No key is moved yet.
func (c *Cluster) Migrate(slot int, to *Server) *Migration {
	c.t.Helper()
	m := &Migration{Slot: slot, From: c.owner(slot), To: to, c: c}
	if m.From == to {
		c.t.Fatalf("slot %d is at %s already", slot, to.Addr())
	}
	c.must(m.To, "CLUSTER", "SETSLOT", strconv.Itoa(slot), "IMPORTING", c.node(m.From).id)
	c.must(m.From, "CLUSTER", "SETSLOT", strconv.Itoa(slot), "MIGRATING", c.node(m.To).id)
	return m
}

// MoveKeys moves up to limit of From's keys in the slot, and returns how many it moved.
func (m *Migration) MoveKeys(limit int) int {
	m.c.t.Helper()
	answer, _ := m.c.must(m.From, "CLUSTER", "GETKEYSINSLOT", strconv.Itoa(m.Slot), strconv.Itoa(limit)).([]any)
	keys := make([]string, len(answer))
	for i, key := range answer {
		keys[i], _ = key.(string)
	}
	if len(keys) > 0 {
		m.MoveKey(keys...)
	}
	return len(keys)
}

// MoveKey moves these keys of the slot in one step.
func (m *Migration) MoveKey(keys ...string) {
	m.c.t.Helper()
	command := []string{"MIGRATE", "127.0.0.1", strconv.Itoa(m.To.port), "", "0", "5000"}
	if user := m.To.credentials; user != nil {
		password, _ := user.Password()
		if name := user.Username(); name != "" {
			command = append(command, "AUTH2", name, password)
		} else {
			command = append(command, "AUTH", password)
		}
	}
	m.c.must(m.From, append(append(command, "KEYS"), keys...)...)
}

// Finish moves the remaining keys and assigns the slot to To. It waits until every running node knows.
func (m *Migration) Finish() {
	m.c.t.Helper()
	for m.MoveKeys(100) > 0 {
	}
	id := m.c.node(m.To).id
	m.c.must(m.To, "CLUSTER", "SETSLOT", strconv.Itoa(m.Slot), "NODE", id)
	m.c.must(m.From, "CLUSTER", "SETSLOT", strconv.Itoa(m.Slot), "NODE", id)
	await(m.c.t, func() error {
		nodes, err := m.c.view()
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if owners(n.sees)[m.Slot] != id {
				return fmt.Errorf("for %s, slot %d is not at %s", n.server.Addr(), m.Slot, m.To.Addr())
			}
		}
		return nil
	}, m.c.nodes...)
}
