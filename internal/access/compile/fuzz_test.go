package compile_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Whatever a tenant's admin writes: nothing panics, the accounts that are not theirs are never bound, and nobody has a right that no rule
// names.
func FuzzNoPolicyReachesBeyondWhatItNames(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(f, err)
	for _, file := range inputs {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, documents []byte) {
		policies, err := parse(documents)
		if err != nil {
			return
		}
		in := input(t, policies...)
		for _, p := range policies {
			if validate.RolePolicy(p, &in) != nil {
				return
			}
		}
		program := compile.Compile(in)
		plan := program.Plan()
		for _, person := range plan.People {
			assert.NotContains(t, []string{"boss", access.OperatorLogin}, person.Login)
			assert.NotEmpty(t, person.Roles)
		}
		for _, role := range plan.Roles {
			for _, g := range role.Grants {
				assert.True(t, slices.ContainsFunc(policies, func(p *v1alpha1.CRMRolePolicy) bool { return names(p, in.Class, g.Model) }),
					"%s opens %s, which no rule names", role.Name, g.Model)
			}
		}
		program.ByPolicy("prod", &plan, program.NotEnforced())
		before, err := json.Marshal(plan)
		require.NoError(t, err)
		slices.Reverse(in.Policies)
		after, err := json.Marshal(compile.Compile(in).Plan())
		require.NoError(t, err)
		assert.JSONEq(t, string(before), string(after))
	})
}

// names tells whether a rule of the policy is about an object with the model.
func names(p *v1alpha1.CRMRolePolicy, class *v1alpha1.CRMClass, model string) bool {
	return slices.ContainsFunc(class.Spec.Objects, func(o v1alpha1.ClassObject) bool {
		return slices.Contains(o.Native, model) && slices.ContainsFunc(p.Spec.Roles, func(r v1alpha1.Role) bool {
			return slices.ContainsFunc(r.Rules, func(rule v1alpha1.RoleRule) bool { return slices.Contains(rule.Objects, o.Name) })
		})
	})
}
