package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

func TestWhoseRolesSomebodyEnforces(t *testing.T) {
	policy := func(environments ...string) *v1alpha1.CRMRolePolicy {
		return &v1alpha1.CRMRolePolicy{Spec: v1alpha1.CRMRolePolicySpec{Environments: environments}}
	}
	deleted := policy("prod")
	deleted.DeletionTimestamp = build.Pointer(metav1.Unix(1, 0))
	enforced := func(e *v1alpha1.CRMEnvironment) { e.Status.Access = &v1alpha1.AccessStatus{PlanDigest: "0a"} }
	for sentence, c := range map[string]struct {
		policies []*v1alpha1.CRMRolePolicy
		env      func(*v1alpha1.CRMEnvironment)
		class    func(*v1alpha1.CRMClass)
		want     bool
	}{
		"a policy names it":                       {policies: []*v1alpha1.CRMRolePolicy{policy("test"), policy("test", "prod")}, want: true},
		"policies name others":                    {policies: []*v1alpha1.CRMRolePolicy{policy("test")}},
		"the policy that named it is going":       {policies: []*v1alpha1.CRMRolePolicy{deleted}},
		"there is no policy":                      {},
		"there is none any more":                  {env: enforced, want: true},
		"there is none any more, and nothing was": {env: func(e *v1alpha1.CRMEnvironment) { e.Status.Access = &v1alpha1.AccessStatus{} }},
		"its class has no adapter": {policies: []*v1alpha1.CRMRolePolicy{policy("prod")}, env: enforced,
			class: func(c *v1alpha1.CRMClass) { c.Spec.Adapter = "" }},
		"it is a drill": {policies: []*v1alpha1.CRMRolePolicy{policy("prod")}, env: func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeDrill }},
	} {
		t.Run(sentence, func(t *testing.T) {
			env, class := build.Environment("acme", "prod"), build.Class(func(c *v1alpha1.CRMClass) { c.Spec.Adapter = "tryton" })
			if c.env != nil {
				c.env(env)
			}
			if c.class != nil {
				c.class(class)
			}
			assert.Equal(t, c.want, access.Governed(env, class, c.policies))
		})
	}
	assert.False(t, access.Governed(build.Environment("acme", "prod"), nil, []*v1alpha1.CRMRolePolicy{policy("prod")}), "there is no class")
}
