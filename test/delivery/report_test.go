package delivery

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pullchat/pullchat/test/faults/checker"
)

// reported are the rows of the table, from all tests of one run.
var reported struct {
	sync.Mutex
	rows []string
}

const reportHead = `# Delivery

Written by ` + "`make delivery`" + ` on %s, on %d cores that the test shares; do not edit. Two http-servers and two tcp-servers
(telnet, devices) run over two rpc-servers over Redis. All watchers start with the first message. ` + "`times`" + ` is how often the fault
happened. The delay is the time from storing a message to its arrival at a watcher, for messages stored since the first fault
and watchers without another disturbance. rpc-servers look for lost hints only once an hour, so that live delivery alone brings
the messages; where all hints are lost, every 300 ms. With AUTH=on the rooms are private, half of the watchers have sessions
whose tokens last two seconds, and a stranger tries to watch.

| AUTH | fault | times | transport | messages | watchers | deliveries | missing | doubled | out of order | delay, median | max |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`

// report logs the outcome of a fault, and writes the table to the folder DELIVERY_REPORT, if that is set.
func report(t *testing.T, o outcome) {
	t.Helper()
	var rows []string
	for _, over := range slices.Sorted(maps.Keys(o.transports)) {
		v := o.transports[over]
		kinds := v.kinds()
		rows = append(rows, fmt.Sprintf("| %s | %s | %d | %s | %d | %d | %d | %d | %d | %d | %s |", o.auth, o.fault, o.times,
			transportNames[over], o.messages, v.watchers, v.deliveries,
			kinds[checker.ReadNever], kinds[checker.ReadTwice], kinds[checker.ReadReordered], medianAndMax(v.delays)))
	}
	t.Log("\n" + strings.Join(rows, "\n"))
	folder := os.Getenv("DELIVERY_REPORT")
	if folder == "" {
		return
	}
	reported.Lock()
	defer reported.Unlock()
	reported.rows = append(reported.rows, rows...)
	text := fmt.Sprintf(reportHead, time.Now().UTC().Format(time.DateOnly), runtime.NumCPU()) + strings.Join(reported.rows, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(folder, "delivery.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func medianAndMax(times []time.Duration) string {
	if len(times) == 0 {
		return " | "
	}
	slices.Sort(times)
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%.0f ms | %.0f ms", milliseconds(times[len(times)/2]), milliseconds(times[len(times)-1]))
}
