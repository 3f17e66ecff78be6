package budgets

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/logging"
	"github.com/pullchat/pullchat/internal/redistest"
)

// TestMain silences the frameworks, whose loggers are process-wide.
func TestMain(m *testing.M) {
	logging.New(io.Discard, logging.Config{})
	os.Exit(m.Run())
}

// repeats is how often a request or a batch is made to count commands and bytes. A remainder is not a cost of the
// request.
const repeats = 10

// TestRedis compares Redis's work for a request with its budget.
func TestRedis(t *testing.T) {
	redis := redistest.Start(t, "--appendonly", "no")
	// A Store that finds no scripts loads them and checks in the background whether Redis lost all data.
	if err := open(t, redis.URL(), privateSend).store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range table {
		t.Run(string(b.shape), func(t *testing.T) {
			alone := countRedis(t, redis, b.shape, 1, (*server).makeOne)
			alone.check(t, b.shape, "alone", b.alone, 1)
			batch := countRedis(t, redis, b.shape, batchSize, (*server).makeBatch)
			batch.check(t, b.shape, fmt.Sprintf("one of %d", batchSize), b.batch, batchSize)
		})
	}
}

// TestAllocations compares the allocations of a request in each server, and in both, with its budget.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates too: make test counts them without it")
		return
	}
	redis := redistest.Start(t, "--appendonly", "no")
	for _, b := range table {
		t.Run(string(b.shape), func(t *testing.T) {
			o := open(t, redis.URL(), b.shape)
			alone := allocations(70, func() { o.makeOne(t) })
			check(t, b.shape, "alone: allocations in rpc-server", b.alone.allocs, alone, "")
			batch := allocations(20, func() { o.makeBatch(t) }) / batchSize
			check(t, b.shape, fmt.Sprintf("one of %d: allocations in rpc-server", batchSize), b.batch.allocs, batch, "")
			if err := o.store.Close(); err != nil {
				t.Error(err)
			}
			check(t, b.shape, "allocations in http-server", b.http, httpAllocations(t, b.shape), "")
			check(t, b.shape, "allocations in both servers", b.whole, wholeAllocations(t, redis, b.shape), "")
		})
	}
}

// timesMeasured is how often allocations measures.
const timesMeasured = 3

// allocations are those of one run of do. Background activity, such as a timer or an emptied pool, only adds to them.
// So the least of three measurements is closest.
func allocations(runs int, do func()) float64 {
	least := testing.AllocsPerRun(runs, do)
	for range timesMeasured - 1 {
		least = min(least, testing.AllocsPerRun(runs, do))
	}
	return least
}

// tolerance is above a process's background, and below one allocation or command where there are few.
func tolerance(budget float64) float64 { return 0.05 + 0.01*budget }

// check fails the test where the measurement exceeds the budget.
func check(t *testing.T, s shape, what string, budget, measured float64, details string) {
	t.Helper()
	switch {
	case measured > budget+tolerance(budget):
		t.Errorf("budget exceeded: %s, %s: %.1f, the budget is %.1f%s.\n"+
			"Something made this request dearer. Let only those pay who use the new feature: a script, a field, a call of its own. "+
			"If the cost is meant, raise the number in test/budgets/table_test.go and say in the commit what it buys.",
			s, what, measured, budget, details)
	case measured < budget*0.95-0.5:
		t.Logf("budget to lower: %s, %s: %.1f, the budget is %.1f", s, what, measured, budget)
	default:
		t.Logf("%s, %s: %.1f", s, what, measured)
	}
}

// counted is Redis's work for a request.
type counted struct {
	calls map[string]float64 // by command
	bytes float64
}

func (c counted) check(t *testing.T, s shape, how string, budget cost, size float64) {
	t.Helper()
	var commands, scripts float64
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.calls)) {
		commands += c.calls[name]
		if strings.HasPrefix(name, "eval") || strings.HasPrefix(name, "fcall") {
			scripts += c.calls[name]
		}
		list = append(list, fmt.Sprintf("%s %.2f", name, c.calls[name]))
	}
	details := " (" + strings.Join(list, ", ") + ")"
	check(t, s, how+": Redis commands", budget.commands, commands, details)
	check(t, s, how+": script calls of all", budget.calls, scripts*size, details)
	check(t, s, how+": bytes sent to Redis", budget.bytes, c.bytes, "")
}

// countRedis makes requests with do, which makes size of them, and returns Redis's work for one. It closes the Store
// before the second reading, so that background work is included.
func countRedis(t *testing.T, redis *redistest.Server, s shape, size int, do func(*server, *testing.T)) counted {
	t.Helper()
	opened := readCounts(t, redis)
	o := open(t, redis.URL(), s)
	before := readCounts(t, redis)
	if s == firstMessage { // open's events may still be under way: a hint and two lists for each
		for before.calls["publish"]-opened.calls["publish"] < 3*float64(o.next) {
			before = readCounts(t, redis)
		}
	}
	for range repeats {
		do(o, t)
	}
	if err := o.store.Close(); err != nil {
		t.Fatal(err)
	}
	after := readCounts(t, redis)
	one := func(n float64) float64 { return n / float64(repeats*size) }
	result := counted{calls: map[string]float64{}, bytes: one(after.bytes - before.bytes - float64(len(infoCommand)+2))}
	for name, calls := range after.calls {
		if made := calls - before.calls[name]; made > 0 && name != "info" {
			result.calls[name] = one(made)
		}
	}
	return result
}

const infoCommand = "INFO everything"

var (
	commandCalls = regexp.MustCompile(`(?m)^cmdstat_([^:]+):calls=(\d+)`)
	inputBytes   = regexp.MustCompile(`(?m)^total_net_input_bytes:(\d+)`)
)

// readCounts reads how often each command ran, including in scripts, and the bytes from clients, including this query.
func readCounts(t *testing.T, redis *redistest.Server) counted {
	t.Helper()
	info, err := redis.Do(infoCommand)
	if err != nil {
		t.Fatal(err)
	}
	c := counted{calls: map[string]float64{}}
	for _, match := range commandCalls.FindAllStringSubmatch(info, -1) {
		c.calls[match[1]] = parse(t, match[2])
	}
	match := inputBytes.FindStringSubmatch(info)
	if match == nil || len(c.calls) == 0 {
		t.Fatalf("INFO has no counts: %s", info)
	}
	c.bytes = parse(t, match[1])
	return c
}

func parse(t *testing.T, digits string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
