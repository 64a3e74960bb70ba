package chart

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/settings"
)

// jsonSchema is the part of JSON schema that the chart's uses.
type jsonSchema struct {
	Ref         string                `json:"$ref"`
	Properties  map[string]jsonSchema `json:"properties"`
	Definitions map[string]jsonSchema `json:"definitions"`
}

func TestTheValuesMirrorTheSettings(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(chartFolder, "values.schema.json"))
	require.NoError(t, err)
	var root jsonSchema
	require.NoError(t, json.Unmarshal(raw, &root))
	// The chart fills in where the manager runs.
	root.Definitions["settings"].Properties["network"].Properties["operatorNamespace"] = jsonSchema{}
	requireMirror(t, root, root.Definitions["settings"], reflect.TypeFor[settings.Settings](), "settings")
}

// requireMirror compares the properties of an object with the fields of a struct, all the way down.
func requireMirror(t *testing.T, root, object jsonSchema, of reflect.Type, path string) {
	t.Helper()
	if name, ok := strings.CutPrefix(object.Ref, "#/definitions/"); ok {
		object = root.Definitions[name]
	}
	fields := make(map[string]reflect.Type)
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		fields[name] = of.Field(i).Type
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(fields)), slices.Collect(maps.Keys(object.Properties)), path)
	for name, field := range fields {
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		if field.Kind() == reflect.Struct {
			requireMirror(t, root, object.Properties[name], field, path+"."+name)
		}
	}
}
