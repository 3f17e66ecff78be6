// Package buildinfo says which build a program is.
package buildinfo

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// A release build, and a build without Git, set these with -ldflags "-X": the tag or the output of git describe, the
// full commit, and its time in RFC 3339. If they are empty, Get returns the Go tool's own record.
var release, commit, date string

// Info identifies a build. An unknown field is empty.
type Info struct {
	Version  string // like v1.2.3; "devel" where the build does not know it
	Commit   string // full hash
	Date     string // of the commit, RFC 3339
	Modified bool   // the build had changes that no commit has
	Go       string // like go1.26.1
	Platform string // like linux/amd64
}

// Get returns the build of this program.
func Get() Info { return get() }

// get parses once: requests that name the version ask for it each time.
var get = sync.OnceValue(func() Info {
	build, _ := debug.ReadBuildInfo()
	return from(build).with(release, commit, date)
})

// String is one line for people.
func (i Info) String() string {
	known := make([]string, 0, 3)
	if i.Commit != "" {
		known = append(known, "commit "+i.Commit[:min(12, len(i.Commit))])
	}
	if i.Modified {
		known = append(known, "modified")
	}
	if i.Date != "" {
		known = append(known, i.Date)
	}
	known = append(known, i.Go, i.Platform)
	return fmt.Sprintf("%s (%s)", i.Version, strings.Join(known, ", "))
}

// from reads the Go tool's record; build is nil if there is none.
func from(build *debug.BuildInfo) Info {
	i := Info{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if build == nil {
		return i
	}
	if v := build.Main.Version; v != "" && v != "(devel)" {
		i.Version = v
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.time":
			i.Date = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	return i
}

// with returns i with the values that a build has set, which precede the Go tool's record.
func (i Info) with(release, commit, date string) Info {
	if release != "" {
		i.Version = release
	}
	if commit != "" {
		i.Commit, i.Date, i.Modified = commit, date, false
	}
	return i
}
