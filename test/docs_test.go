package test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestLinksOfDocuments: each relative link of a document, and each path in backticks, leads to a file, and each anchor to a heading.
func TestLinksOfDocuments(t *testing.T) {
	t.Parallel()
	link, span, web := regexp.MustCompile(`\]\(([^)\s]+)\)`), regexp.MustCompile("`[^`]*`"), regexp.MustCompile(`^[a-z]+:`)
	path := regexp.MustCompile("^`[a-z][a-z0-9_.-]*/[a-z0-9_./-]*`$") // without capitals, which stand for names
	documents := documents(t)
	links := 0
	for _, document := range documents {
		for _, line := range proseOf(t, document) {
			for _, found := range link.FindAllStringSubmatch(span.ReplaceAllString(line, ""), -1) {
				if web.MatchString(found[1]) {
					continue
				}
				links++
				if fault := follow(t, document, found[1]); fault != "" {
					t.Errorf("%s links %s: %s", document, found[1], fault)
				}
			}
			for _, found := range span.FindAllString(line, -1) {
				if name := strings.Trim(found, "`"); path.MatchString(found) && isOfRepository(name) && !exists(filepath.Join("..", name)) {
					t.Errorf("%s names %s, which is no file", document, name)
				}
			}
		}
	}
	if len(documents) < 40 || links < 200 {
		t.Errorf("found %d links in %d documents; want more", links, len(documents))
	}
}

// isOfRepository reports whether a path begins with a folder of the repository.
func isOfRepository(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return path != "pullchat/react" && exists(filepath.Join("..", first)) // this one is a module of clients/js
}

// TestArchitectureNamesThePackages: the table of docs/ARCHITECTURE.md has each package once. A row of a package includes
// those below it only if they are tests or generated.
func TestArchitectureNamesThePackages(t *testing.T) {
	t.Parallel()
	var want []string
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		first, _, _ := strings.Cut(name, "/")
		switch {
		case slices.Contains([]string{"test", "examples", "deploy"}, first):
		case strings.HasPrefix(name, "internal/gen/"), strings.HasPrefix(name, "rpc-server/hints/"):
		case exists(filepath.Join("..", name, "main.go")): // a program
		default:
			want = append(want, name)
		}
	}
	text, err := os.ReadFile("../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| package | what it is |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	named := map[string]int{}
	for row := range strings.SplitSeq(table, "\n") {
		first, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), " | ")
		for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			named[found[1]]++
		}
	}
	for _, name := range want {
		if named[name] != 1 {
			t.Errorf("docs/ARCHITECTURE.md has %d rows of %s, want 1", named[name], name)
		}
		delete(named, name)
	}
	for name := range named {
		if !exists(filepath.Join("..", name)) {
			t.Errorf("docs/ARCHITECTURE.md has a row of %s, which is no package", name)
		}
	}
}

// documents returns the Markdown files of the repository.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && slices.Contains([]string{"node_modules", ".git", ".bin", "reference"}, entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// proseOf returns the lines of a document outside of blocks of code.
func proseOf(t *testing.T, path string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			code = !code
		} else if !code {
			lines = append(lines, line)
		}
	}
	return lines
}

// follow returns what is wrong with a relative link of a document, or "".
func follow(t *testing.T, document, link string) string {
	t.Helper()
	name, anchor, _ := strings.Cut(link, "#")
	target := document
	if name != "" {
		target = filepath.Join(filepath.Dir(document), name)
	}
	switch {
	case !exists(target):
		return "no such file"
	case anchor != "" && filepath.Ext(target) == ".md" && !slices.Contains(anchorsOf(t, target), anchor):
		return "no such heading"
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// anchorsOf returns the anchors of a document's headings, as GitHub makes them.
func anchorsOf(t *testing.T, path string) (anchors []string) {
	t.Helper()
	heading, link := regexp.MustCompile(`^#{1,6} +(.*)$`), regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
	times := map[string]int{}
	for _, line := range proseOf(t, path) {
		found := heading.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, link.ReplaceAllString(found[1], "$1"))
		if times[anchor]++; times[anchor] > 1 {
			anchor = fmt.Sprintf("%s-%d", anchor, times[anchor]-1)
		}
		anchors = append(anchors, anchor)
	}
	return anchors
}
