package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"testing"
)

// vague are pronouns for a person. A comment names the role instead: the user, the sender, the caller.
var vague = regexp.MustCompile(`(?i)\b(whoever|whom|everybody|nobody|somebody|anybody)\b`)

// TestCommentsNameRoles: comments of Go files outside internal/gen have no vague pronoun.
func TestCommentsNameRoles(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path == filepath.Join("..", "internal", "gen") || name == "node_modules" || len(name) > 2 && name[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		files++
		set := token.NewFileSet()
		source, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, group := range source.Comments {
			for _, comment := range group.List {
				if word := vague.FindString(comment.Text); word != "" {
					t.Errorf("%s: the comment has %q; name the role instead: the user, the sender, the caller", set.Position(comment.Pos()), word)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 100 {
		t.Fatalf("%d Go files were read; the test must run in a folder of the module", files)
	}
}
