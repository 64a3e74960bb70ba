package api

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// jsonSchema is a part of a kind's schema, as its CustomResourceDefinition writes it.
type jsonSchema map[string]any

// Keywords of a schema that are not of OpenAPI.
const (
	listType    = "x-kubernetes-list-type"
	expressions = "x-kubernetes-validations"
)

// rule is one thing that a schema asks of the values at a path.
type rule struct {
	// path as the API server gives it, without indices: spec.components[].name.
	path string
	// keyword that the schema writes it with.
	keyword string
	// message of an expression.
	message string
}

// schemaOf reads what a kind's schema says of the spec, and of the object as a whole.
func schemaOf(t *testing.T, plural string) jsonSchema {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "config", "crd", "crmkeep.io_"+plural+".yaml"))
	require.NoError(t, err)
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema jsonSchema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &crd))
	require.Len(t, crd.Spec.Versions, 1)
	whole := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	whole["properties"] = map[string]any{"spec": whole["properties"].(map[string]any)["spec"]}
	delete(whole, "type") // An object of no object is none of the kind.
	return whole
}

func (s jsonSchema) properties() map[string]any {
	properties, _ := s["properties"].(map[string]any)
	return properties
}

// rules lists what the schema asks of the values at a path. A keyword that it does not know fails the test: nobody would try it.
func (s jsonSchema) rules(t *testing.T, path string) []rule {
	t.Helper()
	var found []rule
	for keyword, value := range s {
		switch keyword {
		case "type", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems":
			found = append(found, rule{path: path, keyword: keyword})
		case "format":
			if value == "date-time" { // Those of numbers are their sizes.
				found = append(found, rule{path: path, keyword: keyword})
			}
		case "required":
			for _, name := range value.([]any) {
				found = append(found, rule{path: below(path, name.(string)), keyword: keyword})
			}
		case listType:
			if value != "atomic" {
				found = append(found, rule{path: path + "[]", keyword: keyword})
			}
		case expressions:
			for _, expression := range value.([]any) {
				found = append(found, rule{path: path, keyword: keyword, message: expression.(map[string]any)["message"].(string)})
			}
		case "anyOf":
			require.Contains(t, s, "x-kubernetes-int-or-string", "%s: no other choice is known", path)
		case "description", "properties", "items", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys":
		default:
			t.Fatalf("%s: no test breaks a rule of %q", path, keyword)
		}
	}
	return found
}

// everyRule lists the rules at a path and below it.
func (s jsonSchema) everyRule(t *testing.T, path string) []rule {
	t.Helper()
	found := s.rules(t, path)
	for name, property := range s.properties() {
		found = append(found, jsonSchema(property.(map[string]any)).everyRule(t, below(path, name))...)
	}
	if items, ok := s["items"].(map[string]any); ok {
		found = append(found, jsonSchema(items).everyRule(t, path+"[]")...)
	}
	return found
}

// place is a value in a sample, with the keys and indices that lead there and the schema that it has to keep.
type place struct {
	at     []any
	value  any
	schema jsonSchema
}

// places lists a value and all that is in it.
func (s jsonSchema) places(value any, at ...any) []place {
	found := []place{{at: at, value: value, schema: s}}
	switch value := value.(type) {
	case map[string]any:
		for name, property := range s.properties() {
			if held, ok := value[name]; ok {
				found = append(found, jsonSchema(property.(map[string]any)).places(held, append(slices.Clone(at), name)...)...)
			}
		}
	case []any:
		for i, item := range value {
			found = append(found, jsonSchema(s["items"].(map[string]any)).places(item, append(slices.Clone(at), i)...)...)
		}
	}
	return found
}

// path of the place, without indices.
func (p place) path() string {
	path := ""
	for _, step := range p.at {
		if name, ok := step.(string); ok {
			path = below(path, name)
		} else {
			path += "[]"
		}
	}
	return path
}

func below(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }
