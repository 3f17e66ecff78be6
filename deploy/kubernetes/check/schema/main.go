// Command schema writes JSON schemas of the kinds that the chart uses: schema SWAGGER DIR KIND ... . SWAGGER is
// api/openapi-spec/swagger.json of Kubernetes. The schemas are strict, as the API server's strict field validation is: an unknown
// field is a fault.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

type object = map[string]any

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(swagger, dir string, kinds []string) error {
	text, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	var document struct{ Definitions map[string]object }
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	for _, kind := range kinds { // like apps/v1/Deployment
		name := find(document.Definitions, kind)
		if name == "" {
			return fmt.Errorf("%s is not in %s", kind, swagger)
		}
		used := object{}
		root := strict(document.Definitions, name, used)
		root["$schema"] = "http://json-schema.org/draft-07/schema#"
		root["definitions"] = used
		encoded, err := json.Marshal(root)
		if err != nil {
			return err
		}
		// The file's name is the one that kubeconform looks for: the kind, then group and version.
		if err := os.WriteFile(filepath.Join(dir, fileName(kind)), append(encoded, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func fileName(kind string) string {
	parts := strings.Split(kind, "/")
	name := strings.ToLower(parts[len(parts)-1])
	if len(parts) == 3 {
		group, _, _ := strings.Cut(parts[0], ".")
		name += "-" + group
	}
	return name + "-" + parts[len(parts)-2] + ".json"
}

// find returns the name of the definition of a kind.
func find(definitions map[string]object, kind string) string {
	for name, definition := range definitions {
		for _, entry := range list(definition["x-kubernetes-group-version-kind"]) {
			of := entry.(object)
			if strings.TrimPrefix(fmt.Sprintf("%v/%v/%v", of["group"], of["version"], of["kind"]), "/") == kind {
				return name
			}
		}
	}
	return ""
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// strict returns the schema of a definition. The definitions that it refers to go into used.
func strict(definitions map[string]object, name string, used object) object {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "IntOrString":
		return object{"type": []string{"integer", "string"}}
	case "Quantity":
		return object{"type": []string{"number", "string"}}
	}
	return schema(definitions, definitions[name], used)
}

// schema copies the parts of a schema that a validator needs: types, fields and their names. A field may be null, as
// the API server allows.
func schema(definitions map[string]object, from object, used object) object {
	if reference, ok := from["$ref"].(string); ok {
		name := strings.TrimPrefix(reference, "#/definitions/")
		if _, known := used[name]; !known {
			used[name] = object{} // a definition may refer to itself
			used[name] = strict(definitions, name, used)
		}
		return object{"$ref": "#/definitions/" + name}
	}
	to := object{}
	for _, key := range []string{"type", "required", "enum", "format"} {
		if value, ok := from[key]; ok && !(key == "format" && value != "date-time") {
			to[key] = value
		}
	}
	if items, ok := from["items"].(object); ok {
		to["items"] = schema(definitions, items, used)
	}
	if values, ok := from["additionalProperties"].(object); ok {
		to["additionalProperties"] = schema(definitions, values, used)
	}
	if properties, ok := from["properties"].(object); ok {
		fields := object{}
		for name, property := range properties {
			fields[name] = schema(definitions, property.(object), used)
		}
		to["properties"], to["additionalProperties"] = fields, false
	}
	return to
}
