package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// options are like those of a program.
type options struct {
	Config
	Rate    int           `name:"rate" env:"TEST_RATE" default:"5"`
	Mode    string        `name:"mode" env:"TEST_MODE" default:"off" enum:"off,on"`
	Wait    time.Duration `name:"wait" env:"TEST_WAIT" default:"1s" reload:""`
	Names   []string      `name:"names" env:"TEST_NAMES"`
	Key     string        `name:"key" env:"TEST_KEY" secret:""`
	Once    string        `name:"once"`
	Command struct{}      `cmd:"" default:"1"`
}

// parseWith parses files, arguments and variables like a program. NAME in them stands for the path of the file NAME.
func parseWith(t *testing.T, files map[string]string, args []string, variables map[string]string) (options, []Setting, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	place := strings.NewReplacer("FILE:", folder+"/")
	for name, value := range variables {
		t.Setenv(name, place.Replace(value))
	}
	if _, has := files["c.yaml"]; has {
		args = append(slices.Clone(args), "--config=FILE:c.yaml")
	}
	for i := range args {
		args[i] = place.Replace(args[i])
	}
	var o options
	s := New()
	parser, err := kong.New(&o, s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return o, nil, err
	}
	return o, s.List(ctx), nil
}

// TestSources: flags win over variables, these over the file, and this over defaults.
func TestSources(t *testing.T) {
	o, list, err := parseWith(t, map[string]string{"c.yaml": "# all\nrate: 7\nTEST_MODE: on\ntest_wait: 3s\nnames: [a, b]\nkey: hunter2\n"},
		[]string{"--rate=9"}, map[string]string{"TEST_WAIT": "4s"})
	if err != nil {
		t.Fatal(err)
	}
	if o.Rate != 9 || o.Mode != "on" || o.Wait != 4*time.Second || !slices.Equal(o.Names, []string{"a", "b"}) || o.Key != "hunter2" {
		t.Errorf("parsed %+v", o)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Name+"="+s.Value+" "+string(s.Source))
	}
	want := []string{
		"rate=9 --rate", "mode=on c.yaml:3", "wait=4s TEST_WAIT", "names=a,b c.yaml:5", "key=" + mask + " c.yaml:6", "key-file= default",
	}
	if !slices.Equal(got, want) {
		t.Errorf("List() = %q, want %q", got, want)
	}
}

// TestRefused: faults name their place, and no error has a secret.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name      string
		files     map[string]string
		args      []string
		variables map[string]string
		want      string
	}{
		{"no file", nil, []string{"--config=/nowhere/c.yaml"}, nil, "configuration file: open /nowhere/c.yaml: no such file or directory"},
		{"an unknown name", map[string]string{"c.yaml": "rate: 1\nraet: 2"}, nil, nil, `c.yaml:2: there is no setting "raet"; the nearest is "rate"`},
		{"a flag that is no setting", map[string]string{"c.yaml": "once: a"}, nil, nil, `c.yaml:1: there is no setting "once"`},
		{"the name of the file itself", map[string]string{"c.yaml": "config: a"}, nil, nil, `there is no setting "config"`},
		{"a setting twice", map[string]string{"c.yaml": "rate: 1\nTEST_RATE: 2"}, nil, nil, "c.yaml:2: TEST_RATE is set already in line 1"},
		{"a malformed value", map[string]string{"c.yaml": "mode: on\nrate: many"}, nil, nil, "c.yaml:2: --rate: expected a valid 64 bit int"},
		{"none of an enumeration", map[string]string{"c.yaml": "mode: maybe"}, nil, nil, "c.yaml:1: --mode must be one of off, on"},
		{"all faults at once", map[string]string{"c.yaml": "mode: maybe\nwait: 3"}, nil, nil, "c.yaml:2: --wait"},
		{"a mapping", map[string]string{"c.yaml": "key: {hunter2: hunter2}"}, nil, nil, "c.yaml: line 1: key must be a text, a number, or a list of these"},
		{"a list", map[string]string{"c.yaml": "- key: hunter2"}, nil, nil, "c.yaml: line 1: it is not a list of settings"},
		{"no YAML", map[string]string{"c.yaml": "key: \"hunter2"}, nil, nil, "c.yaml: "},
		{"an unknown anchor", map[string]string{"c.yaml": "key: *hunter2"}, nil, nil, "c.yaml: "},
		{"two documents", map[string]string{"c.yaml": "rate: 1\n---\nrate: 2"}, nil, nil, "more than one YAML document"},
		{"a secret and its file", nil, nil, map[string]string{"TEST_KEY": "hunter2", "TEST_KEY_FILE": "/x"}, "TEST_KEY and TEST_KEY_FILE are both set; set one of them"},
		{"a typed secret and a file", nil, []string{"--key=hunter2"}, map[string]string{"TEST_KEY_FILE": "/x"}, "--key and TEST_KEY_FILE are both set"},
		{"both in the file", map[string]string{"c.yaml": "key: hunter2\nkey-file: /x"}, nil, nil, "c.yaml:1 and c.yaml:2 are both set"},
		{"a secret instead of its file", nil, nil, map[string]string{"TEST_KEY_FILE": "/hunter2"}, "TEST_KEY_FILE: the file that it names cannot be read: no such file or directory"},
		{"an empty file", map[string]string{"key": "\n"}, nil, map[string]string{"TEST_KEY_FILE": "FILE:key"}, "TEST_KEY_FILE: the file that it names is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parseWith(t, c.files, c.args, c.variables)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("parse = %v, want %q and no secret", err, c.want)
			}
		})
	}
}

// TestSecretFile: the secret is the content of the file, without its line break. A higher source replaces a lower one.
func TestSecretFile(t *testing.T) {
	files := map[string]string{"key": " hunter2 \r\n", "c.yaml": "# nothing\n"}
	for _, c := range []struct {
		name      string
		yaml      string
		args      []string
		variables map[string]string
		want      string
	}{
		{"a flag", "", []string{"--key-file=FILE:key"}, nil, " hunter2 "},
		{"a variable", "", nil, map[string]string{"TEST_KEY_FILE": "FILE:key"}, " hunter2 "},
		{"an empty variable beside", "", nil, map[string]string{"TEST_KEY_FILE": "FILE:key", "TEST_KEY": ""}, " hunter2 "},
		{"an empty variable over the file", "key: other", nil, map[string]string{"TEST_KEY": ""}, "other"},
		{"a file of the file", "key-file: KEY", nil, nil, " hunter2 "},
		{"a variable over a file of the file", "key-file: /nowhere", nil, map[string]string{"TEST_KEY": "other"}, "other"},
		{"a file over a secret of the file", "key: other", []string{"--key-file=FILE:key"}, nil, " hunter2 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			own := map[string]string{"key": files["key"], "c.yaml": c.yaml}
			if strings.Contains(c.yaml, "KEY") {
				path := filepath.Join(t.TempDir(), "key")
				if err := os.WriteFile(path, []byte(files["key"]), 0o600); err != nil {
					t.Fatal(err)
				}
				own["c.yaml"] = strings.Replace(c.yaml, "KEY", path, 1)
			}
			o, list, err := parseWith(t, own, c.args, c.variables)
			if err != nil || o.Key != c.want {
				t.Errorf("the key is %q, %v; want %q", o.Key, err, c.want)
			}
			for _, s := range list {
				if strings.Contains(s.Value, "hunter2") || strings.Contains(s.Value, "other") {
					t.Errorf("%s shows %q", s.Name, s.Value)
				}
			}
		})
	}
}

// TestOtherPrograms: one file serves all programs, so a setting of another one is ignored.
func TestOtherPrograms(t *testing.T) {
	o, _, err := parseWith(t, map[string]string{"c.yaml": "RPC_ADDR: :1\nDATA_DIR: /x\nretention: 1h\nrate: 2"}, nil, nil)
	if err != nil || o.Rate != 2 {
		t.Errorf("parsed %+v, %v", o, err)
	}
}

func TestChanged(t *testing.T) {
	_, before, _ := parseWith(t, map[string]string{"c.yaml": "rate: 7\nkey: hunter2"}, nil, nil)
	_, next, _ := parseWith(t, map[string]string{"c.yaml": "wait: 3s\nrate: 7\nkey: hunter3"}, nil, nil)
	var got []string
	for _, s := range Changed(before, next) {
		got = append(got, s.Name)
	}
	if want := []string{"wait", "key"}; !slices.Equal(got, want) {
		t.Errorf("Changed() = %q, want %q", got, want)
	}
}
