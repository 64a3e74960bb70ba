package upgrade

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// plan is what a version would make of declarations, by name: objects, and paths in Vault.
type plan map[string]string

// planOf asks a version's program, which needs no cluster for it.
func (w *world) planOf(t *testing.T, v version, classes ...string) plan {
	t.Helper()
	arguments := []string{"plan", "--settings", w.settingsFile(t)}
	for _, file := range append(classes, "testdata/tenants.yaml", "testdata/environments.yaml", "testdata/policies.yaml") {
		arguments = append(arguments, "-f", file)
	}
	p := plan{}
	for document := range strings.SplitSeq("\n"+w.run(t, v.program, arguments...), "\n---\n") {
		if strings.HasPrefix(document, pathInVault) {
			p.addPaths(document)
			continue
		}
		o := unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal([]byte(document), &o.Object), document)
		if len(o.Object) > 0 {
			p[nameOf(o)] = document
		}
	}
	require.NotEmpty(t, p)
	return p
}

// pathInVault begins what a plan says of one. It is printed as a comment.
const pathInVault = "# Vault: "

func (p plan) addPaths(document string) {
	for entry := range strings.SplitSeq(document, pathInVault) {
		if path, content, found := strings.Cut(entry, "\n"); found {
			p[path] = content
		}
	}
}

// agree tells whether two versions plan the same of this name. What neither plans, both leave alone.
func agree(before, after plan, name string) bool { return before[name] == after[name] }

// templates is the pod template in the plan of a workload, nothing for other objects.
func (p plan) template(t *testing.T, name string) any {
	t.Helper()
	o := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(p[name]), &o))
	template, _, err := unstructured.NestedFieldNoCopy(o, "spec", "template")
	require.NoError(t, err)
	return template
}
