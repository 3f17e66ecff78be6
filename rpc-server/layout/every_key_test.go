package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chattest"
)

// notKeys are the methods of Keys that return a string and name no key: channels, and beginnings of names.
var notKeys = []string{"Hints", "News", "Channel", "Partition", "Tag", "User", "UserOf"}

// TestEveryKeyIsKnown: each function of keys*.go is in the table above it and pinned in a test, and Parse knows its key.
func TestEveryKeyIsKnown(t *testing.T) {
	t.Parallel()
	k := NewKeys("im", DefaultPartitions, 0)
	samples := map[string]reflect.Value{ // by the name of a parameter
		"id": reflect.ValueOf(chattest.ID(t, "club")), "tag": reflect.ValueOf("im:{97}"), "user": reflect.ValueOf("alice"), "look": reflect.ValueOf("x"),
		"name": reflect.ValueOf("digest"),
	}
	spelled := strings.NewReplacer("{97}", "{p}", k.Partition(chattest.ID(t, "club")), "im:{p}", "{alice}", "{<user>}", "look:x", "look:<look>", "workers:digest", "workers:<name>", "room:club", "room:<room>", "members:club", "members:<room>", ":club", ":<chat>")
	files, err := filepath.Glob("keys*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		name := strings.TrimSuffix(file, ".go")
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		var table strings.Builder
		for _, comment := range source.Comments {
			table.WriteString(comment.Text())
		}
		pinned, err := os.ReadFile(name + "_test.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range source.Decls {
			f, is := declared.(*ast.FuncDecl)
			if !is || !namesAKey(f) {
				continue
			}
			checked++
			var args []reflect.Value
			for _, parameter := range f.Type.Params.List {
				for _, named := range parameter.Names {
					sample, has := samples[named.Name]
					if !has {
						t.Fatalf("Keys.%s has a parameter %s; add a sample of it to this test", f.Name.Name, named.Name)
					}
					args = append(args, sample)
				}
			}
			key := reflect.ValueOf(k).MethodByName(f.Name.Name).Call(args)[0].String()
			if parsed, ours := k.Parse(key); !ours || parsed.Kind == unknownKey {
				t.Errorf("Keys.Parse does not know %s of Keys.%s: pullchat check and the export would skip the key", key, f.Name.Name)
			}
			if !strings.Contains(table.String(), spelled.Replace(key)+" ") {
				t.Errorf("%s.go: the table has no line for %s of Keys.%s", name, spelled.Replace(key), f.Name.Name)
			}
			if !strings.Contains(string(pinned), "k."+f.Name.Name+"(") {
				t.Errorf("%s_test.go does not pin Keys.%s, whose keys are in operators' Redis", name, f.Name.Name)
			}
		}
	}
	if checked < 45 {
		t.Errorf("%d functions name a key, want at least 45", checked)
	}
}

// namesAKey reports whether a function is a method of Keys that returns one key.
func namesAKey(f *ast.FuncDecl) bool {
	if f.Recv == nil || !f.Name.IsExported() || slices.Contains(notKeys, f.Name.Name) {
		return false
	}
	of, isKeys := f.Recv.List[0].Type.(*ast.Ident)
	results := f.Type.Results
	if !isKeys || of.Name != "Keys" || results == nil || len(results.List) != 1 {
		return false
	}
	result, plain := results.List[0].Type.(*ast.Ident)
	return plain && result.Name == "string"
}
