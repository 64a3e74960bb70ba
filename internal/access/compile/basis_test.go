package compile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
)

func TestOfTwoBindingsThatGiveOneRoleTheLongerHolds(t *testing.T) {
	soon, late := now.Add(time.Hour), now.Add(24*time.Hour)
	for name, c := range map[string]struct {
		ends []time.Time
		want time.Time
	}{
		"the longer after the shorter": {[]time.Time{soon, late}, late},
		"the shorter after the longer": {[]time.Time{late, soon}, late},
		"one without end":              {[]time.Time{soon, {}}, time.Time{}},
		"one without end, first":       {[]time.Time{{}, soon}, time.Time{}},
	} {
		p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: "sales"}, Spec: v1alpha1.CRMRolePolicySpec{
			Environments: []string{"prod"},
			Roles: []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{
				{Objects: []string{"product"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "All"},
			}}},
		}}
		for _, end := range c.ends {
			b := v1alpha1.RoleBinding{Role: "rep", Subjects: []v1alpha1.Subject{{Kind: "User", Name: "li.na"}}}
			if !end.IsZero() {
				b.ExpiresAt = &metav1.Time{Time: end}
			}
			p.Spec.Bindings = append(p.Spec.Bindings, b)
		}
		program := compile.Compile(input(t, p))
		basis := program.Basis("li.na", "product.product")
		require.Len(t, basis, 1, name)
		assert.Equal(t, c.want, basis[0].Until, name)
		assert.Equal(t, soon, program.NextChange(), "the plan is made anew when the first of them expires")
	}
}
