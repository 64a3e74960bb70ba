package compile_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/declaration"
)

// now is when the tests take place.
var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

func demoClass(t testing.TB) *v1alpha1.CRMClass {
	t.Helper()
	class := &v1alpha1.CRMClass{}
	require.NoError(t, yaml.UnmarshalStrict(read(t, "testdata/class.yaml"), class))
	return class
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}

func parse(documents []byte) ([]*v1alpha1.CRMRolePolicy, error) {
	var policies []*v1alpha1.CRMRolePolicy
	err := declaration.Documents(documents, func(_ string, document []byte) error {
		p := &v1alpha1.CRMRolePolicy{}
		policies = append(policies, p)
		return yaml.UnmarshalStrict(document, p)
	})
	return policies, err
}

func input(t testing.TB, policies ...*v1alpha1.CRMRolePolicy) compile.Input {
	t.Helper()
	return compile.Input{Environment: "prod", Class: demoClass(t), Policies: policies, Now: now}
}

// granted adds up what the plan's native roles give a person. It is nothing for who has no account.
func granted(plan *access.Plan, login string) map[string]access.Grant {
	roles := make(map[string][]access.Grant)
	for _, r := range plan.Roles {
		roles[r.Name] = r.Grants
	}
	var all [][]access.Grant
	for _, p := range plan.People {
		if p.Login == login {
			for _, name := range p.Roles {
				all = append(all, roles[name])
			}
		}
	}
	models := make(map[string]access.Grant)
	for _, g := range compile.Union(all...) {
		models[g.Model] = g
	}
	return models
}
