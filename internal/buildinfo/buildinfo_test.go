package buildinfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestInfo(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef01234567"
	here := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	stamped := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: hash}, {Key: "vcs.time", Value: "2026-11-28T12:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	for _, c := range []struct {
		name                  string
		build                 *debug.BuildInfo
		release, commit, date string
		want                  string
	}{
		{"nothing is known", nil, "", "", "", "devel (" + here},
		{"go run", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "", "", "", "devel (" + here},
		{"go build in a checkout", stamped, "", "", "", "v0.3.1 (commit 0123456789ab, modified, 2026-11-28T12:00:00Z, " + here},
		{"a release", stamped, "v1.2.3", "fedcba9876543210", "2026-12-01T00:00:00Z", "v1.2.3 (commit fedcba987654, 2026-12-01T00:00:00Z, " + here},
		{"a release in an image, without Git", nil, "v1.2.3", "fedc", "", "v1.2.3 (commit fedc, " + here},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := from(c.build).with(c.release, c.commit, c.date).String(); got != c.want {
				t.Errorf("String() = %q, want %q", got, c.want)
			}
		})
	}
}

// TestTheBuildSetsIt: the names in -ldflags of the packages, the images and the release are those of this package. The linker
// ignores a name that does not exist.
func TestTheBuildSetsIt(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"deploy/deploy.mk", "Dockerfile"} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"release", "commit", "date"} {
			if !strings.Contains(string(text), "."+name+"=") {
				t.Errorf("%s does not set version.%s", file, name)
			}
		}
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	const at = "github.com/pullchat/pullchat/internal/buildinfo."
	build := exec.Command("go", "build", "-o", program, "-ldflags", "-X "+at+"release=v9.8.7 -X "+at+"commit=abcdef -X "+at+"date=2026-01-02T03:04:05Z", "./testdata")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	output, err := exec.Command(program).CombinedOutput()
	if want := "v9.8.7 (commit abcdef, 2026-01-02T03:04:05Z, "; err != nil || !strings.HasPrefix(string(output), want) {
		t.Errorf("the program says %q, %v; want %q…", output, err, want)
	}
}
