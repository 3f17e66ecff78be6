package test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pullchat/pullchat/"

// transports must not be imported by packages that all gateways share: programs, HTTP and WebSockets.
var transports = []string{
	module + "http-server", module + "tcp-server", module + "rpc-server", "net/http", "github.com/cloudwego/hertz", "github.com/coder/websocket", "github.com/gorilla/websocket",
}

// TestImports is the list of allowed imports. Each rule holds for a package and everything below it, tests left out, and
// through other packages too.
func TestImports(t *testing.T) {
	packages := list(t)
	for _, rule := range []struct {
		why     string
		from    string   // packages
		may     []string // nil: anything but never
		never   []string
		through bool // not even through other packages
	}{
		{
			why:  "the domain imports the standard library only",
			from: "internal/chat", may: []string{"std"}, through: true,
		},
		{
			why:  "gateways hold the domain's interface, never the storage",
			from: "http-server", never: []string{module + "rpc-server", "github.com/redis/go-redis"}, through: true,
		},
		{
			why:  "the second gateway holds the same interfaces, and neither knows the other",
			from: "tcp-server", never: []string{module + "rpc-server", module + "http-server", "github.com/redis/go-redis", "github.com/cloudwego/hertz/pkg/app"}, through: true,
		},
		{
			why:  "workers hold the domain's interfaces, and know no gateway",
			from: "worker", never: []string{module + "rpc-server", module + "http-server", module + "tcp-server", "github.com/redis/go-redis", "github.com/cloudwego/hertz/pkg/app"}, through: true,
		},
		{
			why:  "projections know no sink, no transport and no program",
			from: "internal/projection", never: append([]string{module + "worker"}, transports...), through: true,
		},
		{
			why:  "what wraps every request does not know the handlers",
			from: "http-server/middleware", never: []string{module + "http-server/handler"}, through: true,
		},
		{
			why:  "live delivery knows no transport and no program",
			from: "internal/live", never: transports, through: true,
		},
		{
			why:  "every text transport has the same commands, and some the same JSON",
			from: "internal/command", never: transports, through: true,
		},
		{
			why:  "frames are JSON, whatever carries them",
			from: "internal/frame", never: transports, through: true,
		},
		{
			why:  "bodies, frames and lines have the same objects",
			from: "internal/jsonobject", never: transports, through: true,
		},
		{
			why:  "a second gateway limits its clients too: nothing here knows a transport or a program",
			from: "internal/ratelimit", never: transports, through: true,
		},
		{
			why:  "a second gateway, and the command line, use tokens too",
			from: "internal/token", never: transports, through: true,
		},
		{
			why:  "who a caller is, is found out without the servers that ask",
			from: "internal/identity", through: true,
			never: []string{module + "http-server", module + "tcp-server", module + "rpc-server", module + "worker", module + "internal/gen", "github.com/redis/go-redis", "github.com/cloudwego"},
		},
		{
			why:  "work in the background knows nothing of chats",
			from: "internal/background", may: []string{"std"}, through: true,
		},
		{
			why:  "cursors move through functions, without a store and a transport",
			from: "internal/cursors", may: []string{"std"}, through: true,
		},
		{
			why:  "deletions go on over the domain's interfaces",
			from: "internal/deletion", may: []string{"std", module + "internal/chat", module + "internal/background"}, through: true,
		},
		{
			why:  "the stored form of a message is known without a transport and a store",
			from: "internal/entry", may: []string{"std", module + "internal/chat"}, through: true,
		},
		{
			why:  "the page is files, which know nothing of the server",
			from: "web", may: []string{"std"}, through: true,
		},
		{
			why:  "the RPC client does not know the server",
			from: "internal/rpcclient", never: []string{module + "rpc-server", module + "http-server"}, through: true,
		},
		{
			why:  "the rpc-server does not know HTTP",
			from: "rpc-server", never: []string{module + "http-server", module + "internal/gen/http"}, through: true,
		},
		{
			why:  "what users import brings in nothing of the servers",
			from: "client", through: true,
			// These three import nothing else themselves.
			may: []string{"std", "github.com/cenkalti/backoff/v5", "github.com/coder/websocket", "github.com/tmaxmax/go-sse"},
		},
		{
			why:  "the former client has nothing of the present code",
			from: "test/former/client", through: true,
			may: []string{"std", "github.com/cenkalti/backoff/v5", "github.com/coder/websocket", "github.com/tmaxmax/go-sse"},
		},
		{
			why:  "a store of files knows neither Redis nor the rest of the server",
			from: "rpc-server/files", never: []string{module + "rpc-server", "github.com/redis/go-redis"}, through: true,
		},
		{
			why:  "what lies in Redis is known without anything of the server",
			from: "rpc-server/layout", never: []string{module + "rpc-server", "github.com/redis/go-redis"}, through: true,
		},
		{
			why:  "its keys and values are of the domain; of the RPC border it has only the events, which lie in Redis as Thrift",
			from: "rpc-server/layout",
			may: []string{
				"std", module + "internal/chat", module + "internal/entry", module + "internal/placement", module + "internal/wire", module + "internal/gen/rpc", "github.com/cespare/xxhash/v2",
			},
		},
		{
			why:  "the transport to Redis knows nothing of chats",
			from: "rpc-server/redisnode", never: []string{module + "rpc-server", module + "internal/chat", module + "internal/gen", module + "internal/wire"}, through: true,
		},
		{
			why:  "a check of the data does not need the operations",
			from: "rpc-server/check", never: []string{module + "rpc-server/storage", module + "rpc-server/hints", module + "rpc-server/handler", module + "rpc-server/service"}, through: true,
		},
		{
			why:  "a backup of the data does not need the operations",
			from: "rpc-server/backup", never: []string{module + "rpc-server/storage", module + "rpc-server/hints", module + "rpc-server/handler", module + "rpc-server/service"}, through: true,
		},
		{
			why:  "hints are delivered without the operations that cause them",
			from: "rpc-server/hints", never: []string{module + "rpc-server/storage", module + "rpc-server/check", module + "rpc-server/handler", module + "rpc-server/service"}, through: true,
		},
		{
			why:  "the operations do not need a check of the data",
			from: "rpc-server/storage", never: []string{module + "rpc-server/check", module + "rpc-server/handler", module + "rpc-server/service"}, through: true,
		},
		{
			why:  "Redis is known to the storage only",
			from: "rpc-server/handler", never: []string{module + "rpc-server/storage", module + "rpc-server/redisnode", "github.com/redis/go-redis"}, through: true,
		},
	} {
		found := false
		for _, p := range packages {
			if !below(p.ImportPath, module+rule.from) {
				continue
			}
			found = true
			imports := p.Imports
			if rule.through {
				imports = p.Deps
			}
			for _, imported := range imports {
				if !allowed(imported, module+rule.from, rule.may, rule.never) {
					t.Errorf("%s imports %s, but %s", p.ImportPath, imported, rule.why)
				}
			}
		}
		if !found {
			t.Errorf("no package below %s: the rule %q guards nothing", rule.from, rule.why)
		}
	}
}

// TestWhoImportsRedis: what speaks to Redis is in a few packages, and in the Redis that pullchat brings along.
func TestWhoImportsRedis(t *testing.T) {
	may := []string{"rpc-server/redisnode", "rpc-server/storage", "rpc-server/hints", "rpc-server/check", "rpc-server/backup", "pullchat/localredis"}
	used := map[string]bool{}
	for _, p := range list(t) {
		if !slices.ContainsFunc(p.Imports, func(imported string) bool { return below(imported, "github.com/redis/go-redis") }) {
			continue
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		if used[name] = true; !slices.Contains(may, name) {
			t.Errorf("%s imports go-redis, but only %q may", p.ImportPath, may)
		}
	}
	if len(used) != len(may) {
		t.Errorf("only %d of %q import go-redis", len(used), may)
	}
}

func allowed(imported, from string, may, never []string) bool {
	for _, path := range never {
		if below(imported, path) && !below(imported, from) {
			return false
		}
	}
	if may == nil || below(imported, from) {
		return true
	}
	for _, path := range may {
		if below(imported, path) {
			return true
		}
	}
	standard := !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	return standard
}

func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func list(t *testing.T) []listed {
	t.Helper()
	output, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
