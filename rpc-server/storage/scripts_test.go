package storage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// TestEveryScriptIsLoaded: Redis refuses the first call of a script that allScripts lacks, so it takes two.
func TestEveryScriptIsLoaded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var made, listed []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			switch value := spec.Values[0].(type) {
			case *ast.CallExpr:
				if called, ok := value.Fun.(*ast.Ident); ok && called.Name == "script" {
					made = append(made, spec.Names[0].Name)
				}
			case *ast.CompositeLit:
				if spec.Names[0].Name == "allScripts" {
					for _, element := range value.Elts {
						listed = append(listed, element.(*ast.Ident).Name)
					}
				}
			}
			return true
		})
	}
	slices.Sort(made)
	slices.Sort(listed)
	if len(made) == 0 || !slices.Equal(made, listed) {
		t.Errorf("the scripts are %q; allScripts has %q", made, listed)
	}
}
