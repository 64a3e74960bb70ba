// Package reference holds the reference pages. Those made from the code are written by `go test ./docs/reference -update`, and
// without the flag the tests fail when a page is not up to date.
package reference

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/binding"
)

var update = flag.Bool("update", false, "write the pages instead of comparing them")

func TestTheBindingsPageIsCurrent(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Bindings

In a template of a CRMClass, ` + "`${name}`" + ` stands for the value of a binding and ` + "`$${`" + ` for a literal ` + "`${`" + `. Secret
bindings may be used in ` + "`files`" + ` and ` + "`env`" + ` only, which the agent renders into memory; never in a command or a probe,
which stand in the pod's spec.

| Binding | Secret | Value |
|---|---|---|
`)
	for _, b := range binding.All {
		secret := ""
		if b.Secret {
			secret = "yes"
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", b.Name, secret, b.Doc)
	}
	requireCurrent(t, "bindings.md", page.String())
}

func TestTheValuesPageIsCurrent(t *testing.T) {
	raw, err := os.ReadFile("../../charts/crmkeep/values.schema.json")
	require.NoError(t, err)
	var root value
	require.NoError(t, json.Unmarshal(raw, &root))
	var page strings.Builder
	page.WriteString(`# Values of the Helm chart

What ` + "`values.schema.json`" + ` allows; anything else is refused. The defaults are in ` + "`values.yaml`" + `. Below ` + "`settings`" + ` stands
what the manager reads from its settings file.

| Value | Type | Meaning |
|---|---|---|
`)
	writeValues(&page, root, root, "")
	requireCurrent(t, "values.md", page.String())
}

// value is the part of JSON schema that the chart's uses.
type value struct {
	Ref         string           `json:"$ref"`
	Type        any              `json:"type"`
	Enum        []string         `json:"enum"`
	Description string           `json:"description"`
	Properties  map[string]value `json:"properties"`
	Definitions map[string]value `json:"definitions"`
}

func writeValues(page *strings.Builder, root, of value, prefix string) {
	for _, name := range slices.Sorted(maps.Keys(of.Properties)) {
		v := of.Properties[name]
		if target, ok := strings.CutPrefix(v.Ref, "#/definitions/"); ok {
			description := v.Description
			v = root.Definitions[target]
			if description != "" {
				v.Description = description
			}
		}
		if v.Description != "" || len(v.Properties) == 0 {
			fmt.Fprintf(page, "| `%s` | %s | %s |\n", prefix+name, typeOf(v), v.Description)
		}
		writeValues(page, root, v, prefix+name+".")
	}
}

func typeOf(v value) string {
	if len(v.Enum) > 0 {
		return strings.Join(v.Enum, ", ")
	}
	return fmt.Sprint(v.Type)
}

func requireCurrent(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "run go test ./docs/reference -update")
}
