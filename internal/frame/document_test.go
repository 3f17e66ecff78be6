package frame

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/command"
)

// TestFramesAreDocumented: the table of docs/live.md has every command, and names the fields that the command uses and that a
// frame of it may have.
func TestFramesAreDocumented(t *testing.T) {
	t.Parallel()
	documented := documentedFields(t)
	if got := slices.Sorted(maps.Keys(documented)); !slices.Equal(got, command.Names()) {
		t.Errorf("docs/live.md has the frames %v, want %v", got, command.Names())
	}
	used := usedFields(t)
	for _, name := range command.Names() {
		if got, want := documented[name], fieldsOf(used, name); !slices.Equal(got, want) {
			t.Errorf("docs/live.md: %s has the fields %v; internal/command uses %v", name, got, want)
		}
		if allowed, changes := changing[name]; changes {
			want := slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(allowed.names), isOfAll)))
			if got := documented[name]; !slices.Equal(got, want) {
				t.Errorf("docs/live.md: %s has the fields %v; Decode allows %v", name, got, want)
			}
		}
	}
}

// isOfAll reports whether frames of all commands have a field.
func isOfAll(field string) bool { return field == "type" || field == "ref" }

// documentedFields returns the second column of the table of a client's frames, sorted, by the first column.
func documentedFields(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| from the client | fields | reply |\n| --- | --- | --- |\n")
	if !found {
		t.Fatal("docs/live.md has no table of a client's frames")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	field := regexp.MustCompile("`([a-z_]+)`")
	documented := map[string][]string{}
	for row := range strings.SplitSeq(table, "\n") {
		columns := strings.Split(row, "|")
		fields := []string{}
		for _, match := range field.FindAllStringSubmatch(columns[2], -1) {
			fields = append(fields, match[1])
		}
		slices.Sort(fields)
		documented[strings.Trim(columns[1], " `")] = fields
	}
	return documented
}

// use is what a function of internal/command reads of a Request.
type use struct{ fields, calls []string }

// usedFields returns what each method of internal/command reads of a Request, by its name.
func usedFields(t *testing.T) map[string]use {
	t.Helper()
	files, err := filepath.Glob("../command/*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]use{}
	for _, file := range files {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range source.Decls {
			if f, is := declared.(*ast.FuncDecl); is && f.Recv != nil {
				used[f.Name.Name] = useOf(f)
			}
		}
	}
	return used
}

func useOf(f *ast.FuncDecl) use {
	var of use
	ast.Inspect(f.Body, func(n ast.Node) bool {
		selected, is := n.(*ast.SelectorExpr)
		if !is {
			return true
		}
		of.calls = append(of.calls, selected.Sel.Name)
		variable, is := selected.X.(*ast.Ident)
		for _, parameter := range slices.Concat(f.Recv.List, f.Type.Params.List) {
			if is && isRequest(parameter.Type) && len(parameter.Names) > 0 && parameter.Names[0].Name == variable.Name {
				of.fields = append(of.fields, selected.Sel.Name)
			}
		}
		return true
	})
	return of
}

func isRequest(parameter ast.Expr) bool {
	if pointer, is := parameter.(*ast.StarExpr); is {
		parameter = pointer.X
	}
	named, is := parameter.(*ast.Ident)
	return is && named.Name == "Request"
}

// fieldsOf returns the fields of a frame, sorted, that a command reads itself or in methods that it calls.
func fieldsOf(used map[string]use, name string) []string {
	read, seen := map[string]bool{}, map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, field := range used[name].fields {
			read[field] = true
		}
		for _, called := range used[name].calls {
			follow(called)
		}
	}
	follow(name)
	fields := []string{}
	for _, name := range names {
		if !isOfAll(name) && slices.ContainsFunc(requestFieldsOf(name), func(field string) bool { return read[field] }) {
			fields = append(fields, name)
		}
	}
	slices.Sort(fields)
	return fields
}

// requestFieldsOf returns the fields of a Request that Decode sets from a field of a frame.
func requestFieldsOf(name string) []string {
	var fields []string
	for _, value := range []string{`"x"`, "1", "true", `["x"]`, `{"x":1}`} {
		request, err := Decode([]byte(`{"` + name + `":` + value + `}`))
		if err != nil {
			continue
		}
		of := reflect.ValueOf(request)
		for i := range of.NumField() {
			if !of.Field(i).IsZero() {
				fields = append(fields, of.Type().Field(i).Name)
			}
		}
	}
	return fields
}
