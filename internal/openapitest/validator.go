// Package openapitest compares a server with its OpenAPI 3.1 document while other tests call it: the document must
// describe every answer.
package openapitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Validator compares exchanges with an OpenAPI document. It is safe for concurrent use. New compiles all schemas, so
// that a check costs 10 µs, or 100 µs for a page of 20 messages, and every exchange can be checked.
//
// It is stricter than the document in two ways. An answer may have only the fields and headers that the document names,
// although clients are told to ignore unknown ones. OpenAPI cannot describe other paths, so a path that the document
// lacks must be answered with components.responses.NotFound and 404. A method that its path lacks must be answered with
// components.responses.MethodNotAllowed, 405, and the right Allow.
//
// In requests it follows the document's prose: names of fields and query parameters are compared without regard to
// case, an empty query parameter counts as missing, and a body without a Content-Type is JSON.
//
// Streams are not supported.
type Validator struct {
	document *openapi3.T
	schemas  map[string]*jsonschema.Schema // by their pointer in the document
}

// New returns a Validator. It rejects a document that exchanges cannot be compared with; Valid checks the rest.
func New(document []byte) (*Validator, error) {
	loaded, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(loaded.OpenAPI, "3.1.") {
		return nil, fmt.Errorf("the document is OpenAPI %q, not 3.1", loaded.OpenAPI)
	}
	schemas, err := compile(loaded)
	if err != nil {
		return nil, err
	}
	return &Validator{loaded, schemas}, nil
}

// Valid returns an error if the document breaks the rules of OpenAPI 3.1, or an example breaks its schema. It takes
// much longer than New, so one test calls it for all.
func (v *Validator) Valid() error { return v.document.Validate(context.Background()) }

// Document is the parsed document. Do not change it.
func (v *Validator) Document() *openapi3.T { return v.document }

// Check returns all differences of an exchange from the document, joined, or nil. It always checks the answer. It
// checks the request only if the server accepted it. The bodies are passed separately; Check does not read those of
// request and response.
func (v *Validator) Check(request *http.Request, requestBody []byte, response *http.Response, responseBody []byte) error {
	name, path, parameters := v.find(request.Method, request.URL.Path)
	if path == nil {
		return v.checkElsewhere(request, "NotFound", http.StatusNotFound, response, responseBody)
	}
	method := request.Method
	if method == http.MethodHead && path.Head == nil {
		method = http.MethodGet // a path that answers GET answers HEAD (RFC 9110, 9.1), so documents omit it
	}
	operation := path.GetOperation(method)
	if operation == nil {
		return errors.Join(
			v.checkElsewhere(request, "MethodNotAllowed", http.StatusMethodNotAllowed, response, responseBody),
			checkAllow(v.methods(request.URL.Path), response.Header.Get("Allow")))
	}
	base := pointer("paths", name, strings.ToLower(method))
	described := operation.Responses.Value(strconv.Itoa(response.StatusCode))
	if described == nil {
		return fmt.Errorf("status %d is not in the document", response.StatusCode)
	}
	at := base + pointer("responses", strconv.Itoa(response.StatusCode))
	err := v.checkResponse(described, at, request.Method, response, responseBody)
	if accepted(response.StatusCode) {
		err = errors.Join(err, v.checkRequest(operation, base, request, parameters, requestBody))
	}
	return err
}

func (v *Validator) checkElsewhere(request *http.Request, name string, status int, response *http.Response, body []byte) error {
	if response.StatusCode != status {
		return fmt.Errorf("status %d for what is not in the document; it should be %d", response.StatusCode, status)
	}
	described := v.document.Components.Responses[name]
	if described == nil {
		return fmt.Errorf("the document has no components.responses.%s", name)
	}
	return v.checkResponse(described, pointer("components", "responses", name), request.Method, response, body)
}

func checkAllow(want []string, allow string) error {
	got := strings.Split(strings.ReplaceAll(allow, " ", ""), ",")
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("response header Allow is %q; the document has %q", got, want)
	}
	return nil
}

func (v *Validator) checkResponse(described *openapi3.ResponseRef, at, method string, response *http.Response, body []byte) error {
	if described.Ref != "" {
		at = described.Ref
	}
	err := v.checkHeaders(described.Value.Headers, at, response.Header)
	if method == http.MethodHead {
		return err // HEAD has headers only
	}
	return errors.Join(err, v.checkBody("response", described.Value.Content, at, response.Header.Get("Content-Type"), body))
}

// ofHTTP are headers that need no description.
var ofHTTP = []string{
	"Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Transfer-Encoding",
	"Cache-Control", "Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options",
}

func (v *Validator) checkHeaders(described openapi3.Headers, at string, header http.Header) error {
	var all []error
	known := slices.Clone(ofHTTP)
	for name, d := range described {
		known = append(known, http.CanonicalHeaderKey(name))
		where := at + pointer("headers", name)
		if d.Ref != "" {
			where = d.Ref
		}
		switch values := header.Values(name); {
		case len(values) > 1:
			all = append(all, fmt.Errorf("response header %s is there %d times", name, len(values)))
		case len(values) == 1:
			all = append(all, v.checkText("response header "+name, where, d.Value.Schema, values[0]))
		case d.Value.Required:
			all = append(all, fmt.Errorf("response header %s is missing", name))
		}
	}
	for name := range header {
		if !slices.Contains(known, name) {
			all = append(all, fmt.Errorf("response header %s is not in the document", name))
		}
	}
	return errors.Join(all...)
}

func (v *Validator) checkRequest(
	operation *openapi3.Operation, base string, request *http.Request, parameters map[string]string, body []byte,
) error {
	var all []error
	for i, d := range operation.Parameters {
		where := base + pointer("parameters", strconv.Itoa(i))
		if d.Ref != "" {
			where = d.Ref
		}
		value, found := argument(request, d.Value)
		if d.Value.In == openapi3.ParameterInPath {
			value, found = pathArgument(parameters, d.Value)
		}
		what := fmt.Sprintf("request's %s %s", d.Value.In, d.Value.Name)
		switch {
		case found:
			all = append(all, v.checkText(what, where, d.Value.Schema, value))
		case d.Value.Required:
			all = append(all, fmt.Errorf("%s is missing", what))
		}
	}
	d := operation.RequestBody
	switch {
	case d == nil:
		// A body that the server ignores does no harm.
	case len(body) == 0:
		if d.Value.Required {
			all = append(all, errors.New("request body is missing"))
		}
	default:
		at := base + pointer("requestBody")
		if d.Ref != "" {
			at = d.Ref
		}
		contentType := request.Header.Get("Content-Type")
		if mediaType, _, _ := mime.ParseMediaType(contentType); contentType == "" || strings.HasSuffix(mediaType, "+json") {
			contentType = jsonType
		}
		all = append(all, v.checkBody("request", d.Value.Content, at, contentType, body))
	}
	return errors.Join(all...)
}

// argument finds a parameter that is not empty. If it is given more than once, the server takes the last.
func argument(request *http.Request, parameter *openapi3.Parameter) (value string, found bool) {
	if parameter.In == openapi3.ParameterInHeader {
		values := request.Header.Values(parameter.Name)
		return strings.Join(values, ", "), len(values) > 0
	}
	for name, values := range request.URL.Query() {
		for _, one := range values {
			if one != "" && strings.EqualFold(name, parameter.Name) {
				value, found = one, true
			}
		}
	}
	return value, found
}

// checkText checks a header or an argument, which is text, in the type that the schema wants.
func (v *Validator) checkText(what, at string, schema *openapi3.SchemaRef, text string) error {
	var value any = text
	switch {
	case schema.Value.Type.Is("integer"):
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			value = n
		}
	case schema.Value.Type.Is("boolean"):
		if text == "true" || text == "false" {
			value = text == "true"
		}
	case schema.Value.Type.Is("array"):
		value = []any{text}
	}
	return v.checkValue(what, at+pointer("schema"), value)
}

const jsonType = "application/json"

// checkBody checks a body of a request or response against its description at the pointer at.
func (v *Validator) checkBody(whose string, described openapi3.Content, at, contentType string, body []byte) error {
	if len(described) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("%s has a body of %d bytes; the document has none", whose, len(body))
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || described[mediaType] == nil {
		return fmt.Errorf("%s's Content-Type %q is not in the document", whose, contentType)
	}
	var value any = string(body)
	if mediaType == jsonType {
		if value, err = decode(body); err != nil {
			return fmt.Errorf("%s body: %w", whose, err)
		}
	}
	if whose == "request" {
		value = foldNames(value, described[mediaType].Schema.Value)
	}
	return v.checkValue(whose+" body", at+pointer("content", mediaType, "schema"), value)
}

// decode reads exactly one JSON value. Numbers keep their digits.
func decode(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is something behind the JSON value")
	}
	return value, nil
}

// foldNames renames the fields of an object, or of those in an array, to the schema's upper and lower case. Of the alternatives of a
// schema it takes the one of the value's type.
func foldNames(value any, schema *openapi3.Schema) any {
	object, isObject := value.(map[string]any)
	list, isList := value.([]any)
	for _, one := range schema.OneOf {
		if one.Value.Type.Is("object") && isObject || one.Value.Type.Is("array") && isList {
			return foldNames(value, one.Value)
		}
	}
	if isList && schema.Items != nil {
		folded := make([]any, len(list))
		for i, item := range list {
			folded[i] = foldNames(item, schema.Items.Value)
		}
		return folded
	}
	if !isObject {
		return value
	}
	folded := make(map[string]any, len(object))
	for name, field := range object {
		for property := range schema.Properties {
			if strings.EqualFold(name, property) {
				name = property
			}
		}
		folded[name] = field
	}
	return folded
}

func (v *Validator) checkValue(what, at string, value any) error {
	schema := v.schemas[at]
	if schema == nil {
		return fmt.Errorf("%s: the document has no schema at %s", what, at)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
