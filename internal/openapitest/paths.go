package openapitest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// find returns the document's name for a path, its item, and the values of its parameters. A literal path takes
// precedence over one with parameters, unless only the latter has the method: a server routes each method by itself.
func (v *Validator) find(method, path string) (name string, item *openapi3.PathItem, parameters map[string]string) {
	exact := v.document.Paths.Value(path)
	if has(exact, method) {
		return path, exact, nil
	}
	for template, other := range v.document.Paths.Map() {
		if values, ok := match(template, path); ok && (item == nil || has(other, method)) {
			name, item, parameters = template, other, values
		}
	}
	if exact != nil && !has(item, method) {
		return path, exact, nil
	}
	return name, item, parameters
}

// has reports whether a path answers a method. A path that answers GET also answers HEAD.
func has(item *openapi3.PathItem, method string) bool {
	return item != nil && (item.GetOperation(method) != nil || method == http.MethodHead && item.Get != nil)
}

// methods returns all methods of a path, under any of the document's names.
func (v *Validator) methods(path string) (methods []string) {
	for template, item := range v.document.Paths.Map() {
		if _, ok := match(template, path); !ok {
			continue
		}
		for method := range item.Operations() {
			methods = append(methods, method)
		}
		if item.Get != nil && item.Head == nil {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// match compares a path with one whose segments may be parameters, like "{this}".
func match(template, path string) (parameters map[string]string, ok bool) {
	wanted, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(wanted) != len(got) {
		return nil, false
	}
	parameters = map[string]string{}
	for i, segment := range wanted {
		switch name, found := strings.CutPrefix(segment, "{"); {
		case found && got[i] != "":
			parameters[strings.TrimSuffix(name, "}")] = got[i]
		case segment != got[i]:
			return nil, false
		}
	}
	return parameters, true
}

// pathArgument finds a parameter of a path.
func pathArgument(parameters map[string]string, parameter *openapi3.Parameter) (value string, found bool) {
	value, found = parameters[parameter.Name]
	return value, found
}

// accepted reports whether the server accepted the request.
func accepted(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }
