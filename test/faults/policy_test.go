package faults

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// policies are the stages of a life in which a role policy comes and goes. No CRM answers here, so the class has no adapter, and what is
// compared is what is said of that. That the CRM itself is brought to its roles whatever dies is tested where the adapters are.
var policies = []stage{
	{
		name:  "role policy",
		begin: func(t *testing.T, w *world) { w.create(t, rolePolicy()) },
		done: func(t *testing.T, w *world) error {
			p := rolePolicy()
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
				return err
			}
			if err := statuscheck.Is(p.Generation, p.Status.ObservedGeneration, p.Status.Conditions, "Reconciling NoAdapter"); err != nil {
				return err
			}
			return w.saysOfRoles(t, v1alpha1.ReasonNoAdapter)
		},
	},
	{
		name:  "role policy's end",
		begin: func(t *testing.T, w *world) { require.NoError(t, w.Delete(t.Context(), rolePolicy())) },
		done: func(t *testing.T, w *world) error {
			if err := w.isGone(t, rolePolicy()); err != nil {
				return err
			}
			return w.saysOfRoles(t, v1alpha1.ReasonNoPolicy)
		},
	},
}

func rolePolicy() *v1alpha1.CRMRolePolicy {
	return &v1alpha1.CRMRolePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: naming.HomeNamespace(mortal), Name: "sales"},
		Spec: v1alpha1.CRMRolePolicySpec{
			Environments: []string{mortalName},
			Roles: []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{{
				Objects: []string{"contact"}, Verbs: []v1alpha1.Verb{access.VerbRead}, Scope: string(access.ScopeAll),
			}}}},
			Bindings: []v1alpha1.RoleBinding{{Role: "rep", Subjects: []v1alpha1.Subject{{Kind: "User", Name: "li.na@mortal.example"}}}},
		},
	}
}

// saysOfRoles tells whether the environment gives that reason for what becomes of its roles.
func (w *world) saysOfRoles(t *testing.T, reason string) error {
	t.Helper()
	env := build.Environment(mortal, mortalName)
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(env), env); err != nil {
		return err
	}
	c := meta.FindStatusCondition(env.Status.Conditions, v1alpha1.ConditionRolesEnforced)
	if c == nil || c.Reason != reason {
		return fmt.Errorf("of the roles is said %+v", c)
	}
	return nil
}
