package openapitest

import (
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// find returns the document's name for a path, its item, and the values of its parameters. A path that is there as it is
// goes before one with parameters.
func (v *Validator) find(path string) (name string, item *openapi3.PathItem, parameters map[string]string) {
	if item := v.document.Paths.Value(path); item != nil {
		return path, item, nil
	}
	for name, item := range v.document.Paths.Map() {
		if parameters, ok := match(name, path); ok {
			return name, item, parameters
		}
	}
	return "", nil, nil
}

// match compares a path with one whose segments may be parameters, "{like}" so.
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

// accepted: the server did what was asked.
func accepted(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }
