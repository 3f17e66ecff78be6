// Package web has the built files of `make web`, as http-server serves them: the chat page, the API explorer and the
// page for operators.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"regexp"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// index is the page to chat on, docs the API explorer and admin the page for operators; all other files are their parts.
const index, docs, admin = "index.html", "docs.html", "admin.html"

// Worker is the part that is the page's service worker.
const Worker = "sw.js"

// File is one file, ready to be sent.
type File struct {
	Type   string
	Body   []byte
	Gzip   []byte // the body compressed; nil where that saves nothing
	ETag   string // weak, because the compressed body has the same
	Hashed bool   // the name has a hash of the body: the file never changes
}

// hashed matches the names that build.js gives.
var hashed = regexp.MustCompile(`-[0-9a-f]{10}\.(js|css)$`)

// types are those of the extensions in dist. The machine's own list of types must not decide.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json",
}

// Part returns a part of the pages by its name.
func Part(name string) (file File, found bool) {
	part, found := parts()[name]
	if !found {
		return File{}, false
	}
	return part(), true
}

// parts are compressed when they are first asked for: the explorer's take a tenth of a second.
var parts = sync.OnceValue(func() map[string]func() File {
	parts := map[string]func() File{}
	for name, body := range bodies() {
		if name != index && name != docs && name != admin {
			parts[name] = sync.OnceValue(func() File { return newFile(name, body) })
		}
	}
	return parts
})

// Docs returns the page of the API explorer.
func Docs() File { return newFile(docs, bodies()[docs]) }

// Admin returns the page for operators.
func Admin() File { return newFile(admin, bodies()[admin]) }

// slot is the place of the server's settings in the page.
const slot = `<meta name="pullchat" content="{}">`

// Page returns the page with settings, a JSON object for its program.
func Page(settings []byte) File {
	content := strings.NewReplacer(`&`, "&amp;", `"`, "&quot;", `<`, "&lt;").Replace(string(settings))
	return newFile(index, bytes.Replace(bodies()[index], []byte(slot), fmt.Appendf(nil, `<meta name="pullchat" content="%s">`, content), 1))
}

var bodies = sync.OnceValue(func() map[string][]byte {
	found := map[string][]byte{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := dist.ReadFile(name)
		found[path.Base(name)] = body
		return err
	})
	if err != nil {
		panic(fmt.Sprintf("web: the embedded files cannot be read: %v", err)) // they are a part of the program
	}
	return found
})

func newFile(name string, body []byte) File {
	kind := types[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(body)
	file := File{Type: kind, Body: body, ETag: `W/"` + hex.EncodeToString(sum[:12]) + `"`, Hashed: hashed.MatchString(name)}
	var buffer bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&buffer, gzip.BestCompression) // the level is valid, and a buffer takes everything
	_, _ = writer.Write(body)
	_ = writer.Close()
	if buffer.Len() < len(body) {
		file.Gzip = buffer.Bytes()
	}
	return file
}
