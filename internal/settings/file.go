// Package settings reads configuration: a YAML file and the files of secrets, below flags and environment variables. It
// knows where each value comes from.
package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is a value of the configuration file.
type entry struct {
	name string // as the file spells it
	text string // a list has commas between its items
	line int
}

// file is a configuration file: a flat mapping of names to values.
type file struct {
	path    string
	entries []entry
}

// readFile returns an empty file for the path "". Its errors name the line, and quote no value: it may be a secret.
func readFile(path string) (*file, error) {
	f := &file{path: path}
	if path == "" {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	if f.entries, err = parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", f.base(), err)
	}
	return f, nil
}

func (f *file) base() string { return filepath.Base(f.path) }

func (f *file) at(line int) string { return fmt.Sprintf("%s:%d", f.base(), line) }

func parse(text []byte) ([]entry, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // nothing but comments
		return nil, nil
	case err != nil:
		return nil, errors.New(unquoted(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one YAML document")
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: it is not a list of settings like \"log-level: info\"", root.Line)
	}
	var entries []entry
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		text, err := scalar(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s %w", key.Line, key.Value, err)
		}
		entries = append(entries, entry{name: key.Value, text: text, line: key.Line})
	}
	return entries, nil
}

// unquoted is the message of a YAML error without the text that some of them quote.
func unquoted(err error) string {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if at := strings.IndexAny(message, "`'\""); at >= 0 && !strings.HasPrefix(message[at:], "':'") {
		message = message[:at] + "…"
	}
	return message
}

var errForm = errors.New("must be a text, a number, or a list of these")

// scalar returns a value as it is written, so that 1e3, on and 010 have the same meaning as in a flag.
func scalar(value *yaml.Node) (string, error) {
	for value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	switch {
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null":
		return "", nil
	case value.Kind == yaml.ScalarNode:
		return value.Value, nil
	case value.Kind != yaml.SequenceNode:
		return "", errForm
	}
	var items []string
	for _, item := range value.Content {
		if item.Kind != yaml.ScalarNode {
			return "", errForm
		}
		items = append(items, item.Value)
	}
	return strings.Join(items, ","), nil
}

// readSecret returns the content of a file without its trailing line break. Its errors have no path: an operator may have
// put the secret itself there.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return "", fmt.Errorf("the file that it names cannot be read: %w", err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" {
		return "", errors.New("the file that it names is empty")
	}
	return secret, nil
}
