package openapitest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// base is the document's address during compilation: references are relative to it.
const base = "https://document.invalid/openapi.json"

// compile compiles every schema that exchanges are compared with.
func compile(document *openapi3.T) (map[string]*jsonschema.Schema, error) {
	encoded, err := document.MarshalJSON()
	if err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	answers, requests, err := pointers(document)
	if err != nil {
		return nil, err
	}
	for _, at := range answers {
		closeObjects(tree, at)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource(base, tree); err != nil {
		return nil, err
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, at := range append(answers, requests...) {
		if schemas[at], err = compiler.Compile(base + at); err != nil {
			return nil, err
		}
	}
	return schemas, nil
}

// pointers lists the places of schemas for answers and requests, as Validator.Check looks for them.
func pointers(document *openapi3.T) (answers, requests []string, err error) {
	response := func(at string, r *openapi3.ResponseRef) {
		at = orRef(at, r.Ref)
		for name, h := range r.Value.Headers {
			answers = append(answers, orRef(at+pointer("headers", name), h.Ref)+pointer("schema"))
		}
		answers = append(answers, contentPointers(at, r.Value.Content)...)
	}
	for path, item := range document.Paths.Map() {
		if len(item.Parameters) > 0 {
			return nil, nil, fmt.Errorf("path %s: %w", path, errPathParameters)
		}
		for method, operation := range item.Operations() {
			at := pointer("paths", path, strings.ToLower(method))
			for i, p := range operation.Parameters {
				requests = append(requests, orRef(at+pointer("parameters", strconv.Itoa(i)), p.Ref)+pointer("schema"))
			}
			if body := operation.RequestBody; body != nil {
				requests = append(requests, contentPointers(orRef(at+pointer("requestBody"), body.Ref), body.Value.Content)...)
			}
			for status, r := range operation.Responses.Map() {
				response(at+pointer("responses", status), r)
			}
		}
	}
	for name, r := range document.Components.Responses {
		response(pointer("components", "responses", name), r)
	}
	return answers, requests, nil
}

var errPathParameters = errors.New("parameters of a path are not supported; give them to its operations")

func contentPointers(at string, content openapi3.Content) (all []string) {
	for mediaType := range content {
		all = append(all, at+pointer("content", mediaType, "schema"))
	}
	return all
}

// orRef returns at, or the target if at is a reference.
func orRef(at, ref string) string {
	if ref != "" {
		return ref
	}
	return at
}

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// pointer makes a JSON pointer. A document's first one begins with "#".
func pointer(names ...string) string {
	var b strings.Builder
	if names[0] == "paths" || names[0] == "components" {
		b.WriteByte('#')
	}
	for _, name := range names {
		b.WriteByte('/')
		b.WriteString(escapePointer.Replace(name))
	}
	return b.String()
}

// closeObjects makes the schema at a pointer, and those in it, reject fields that they do not name.
func closeObjects(tree any, at string) {
	closeSchema(tree, follow(tree, at), map[string]bool{})
}

func closeSchema(tree, node any, seen map[string]bool) {
	schema, ok := node.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := schema["$ref"].(string); ok && !seen[ref] {
		seen[ref] = true
		closeSchema(tree, follow(tree, ref), seen)
	}
	closeSchema(tree, schema["items"], seen)
	alternatives, _ := schema["oneOf"].([]any)
	for _, one := range alternatives {
		closeSchema(tree, one, seen)
	}
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return
	}
	for _, property := range properties {
		closeSchema(tree, property, seen)
	}
	if schema["additionalProperties"] == nil {
		schema["unevaluatedProperties"] = false
	}
}

var unescapePointer = strings.NewReplacer("~1", "/", "~0", "~")

// follow returns the value at a pointer, or nil.
func follow(tree any, at string) any {
	for name := range strings.SplitSeq(strings.TrimPrefix(at, "#/"), "/") {
		object, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = object[unescapePointer.Replace(name)]
	}
	return tree
}
