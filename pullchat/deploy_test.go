package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/pullchat/pullchat/internal/settings"
)

// variablesOf returns the variables of a program's settings, without earlier names.
func variablesOf(t *testing.T, program string) (names []string) {
	t.Helper()
	_, _, list, err := ofProgram{Program: program}.read("")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if !s.Hidden {
			names = append(names, strings.ReplaceAll(strings.ToUpper(s.Name), "-", "_"))
		}
	}
	return names
}

// TestComposePassesOn: each service of docker-compose.yml passes on the settings of its program, and nothing else.
func TestComposePassesOn(t *testing.T) {
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct{ Environment map[string]any }
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	// Addresses, which the images set, and files, which are mounted by other compose files. A secret is passed on by its value.
	apart := regexp.MustCompile(`^(HTTP|RPC|TELNET|DEVICE)_ADDR$|^TLS_|^REDIS_(CA|CERT|KEY)$|^(AUTH_SECRET|AUTH_KEY|RPC_SECRET|REDIS_URL|TRACES_HEADERS|VAPID_PRIVATE_KEY|S3_SECRET_KEY|KAFKA_SASL_PASSWORD)_FILE$`)
	for _, program := range []string{"http-server", "rpc-server", "tcp-server", "worker"} {
		has, passed := variablesOf(t, program), compose.Services[program].Environment
		for _, name := range has {
			if _, found := passed[name]; !found && !apart.MatchString(name) {
				t.Errorf("%s has the setting %s; its service in docker-compose.yml does not pass it on", program, name)
			}
		}
		for name := range passed {
			if !slices.Contains(has, name) {
				t.Errorf("the service %s in docker-compose.yml sets %s; the program has no such setting", program, name)
			}
		}
	}
}

// TestConfigurationNamesAll: docs/configuration.md has every setting of every program.
func TestConfigurationNamesAll(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"serve", "http-server", "rpc-server", "tcp-server", "worker"} {
		for _, name := range variablesOf(t, program) {
			if name == "DATA" {
				name = "DATA_DIR"
			}
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("%s has the setting %s; docs/configuration.md does not", program, name)
			}
		}
	}
}

// TestCommandsAreDocumented: the table of docs/cli.md has every command, and no other.
func TestCommandsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| command | what it does |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for row := range strings.SplitSeq(table, "\n") {
		for _, found := range regexp.MustCompile("`([a-z-]+)[^`]*`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
			documented = append(documented, found[1])
		}
	}
	vars := kong.Vars{"retries": "0"}
	parser, err := kong.New(&commands{}, append(settings.New().Options(), serveVars, vars, kong.ExplicitGroups(groups))...)
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	for _, command := range parser.Model.Children {
		if has = append(has, command.Name); !slices.Contains(documented, command.Name) {
			t.Errorf("docs/cli.md lacks the command %s", command.Name)
		}
	}
	for _, name := range documented {
		if !slices.Contains(has, name) {
			t.Errorf("docs/cli.md has the command %s, and pullchat has not", name)
		}
	}
}

// TestPackageSettings: each name in the packages' environment files is a setting of the program that reads the file.
func TestPackageSettings(t *testing.T) {
	line := regexp.MustCompile(`(?m)^#?([A-Z][A-Z0-9_]+)=`)
	for file, program := range map[string]string{
		"pullchat": "serve", "http-server": "http-server", "rpc-server": "rpc-server", "tcp-server": "tcp-server", "worker": "worker",
	} {
		text, err := os.ReadFile(filepath.Join("../deploy/packages/etc", file+".env"))
		if err != nil {
			t.Fatal(err)
		}
		has := variablesOf(t, program)
		for _, found := range line.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(has, found[1]) {
				t.Errorf("%s.env has %s; the program has no such setting", file, found[1])
			}
		}
	}
}

// TestChartSettings: each name under env in the examples of the chart and of the plain manifests is a setting of that program.
func TestChartSettings(t *testing.T) {
	programs := map[string]string{"httpServer": "http-server", "rpcServer": "rpc-server", "tcpServer": "tcp-server", "worker": "worker"}
	check := func(file, program, name string) {
		if !slices.Contains(variablesOf(t, program), name) {
			t.Errorf("%s sets %s for %s; the program has no such setting", file, name, program)
		}
	}
	charts, _ := filepath.Glob("../deploy/helm/pullchat/ci/*.yaml")
	patches, _ := filepath.Glob("../deploy/kubernetes/example/[^k]*.yaml")
	checked := 0
	for _, file := range slices.Concat(charts, patches) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]struct{ Env map[string]any }
		var patch struct {
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Name string
							Env  []struct{ Name string }
						}
					}
				}
			}
		}
		if slices.Contains(charts, file) {
			_ = yaml.Unmarshal(text, &values) // a value that is no group has no env
		} else if err := yaml.Unmarshal(text, &patch); err != nil {
			t.Fatal(err)
		}
		for group, value := range values {
			for name := range value.Env {
				check(file, programs[group], name)
				checked++
			}
		}
		for _, container := range patch.Spec.Template.Spec.Containers {
			for _, variable := range container.Env {
				check(file, container.Name, variable.Name)
				checked++
			}
		}
	}
	if checked < 15 || len(patches) == 0 {
		t.Errorf("checked %d settings, want those of all examples", checked)
	}
}
