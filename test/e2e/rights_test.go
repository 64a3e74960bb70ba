//go:build e2e

package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

const approverName = "approver"

// approverOf gives the client of somebody who may approve in a tenant's home and nowhere else.
func approverOf(t *testing.T, tenant *v1alpha1.CRMTenant) client.Client {
	t.Helper()
	require.NoError(t, c.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: approverName, Namespace: naming.HomeNamespace(tenant.Name)},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "crmkeep-approver"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: approverName}},
	}))
	return c.as(t, approverName)
}

// firefighter gives the client of somebody who may, in an emergency, touch what crmkeep made. Cluster administrators may not, so
// that nobody does it without knowing.
func firefighter(t *testing.T) client.Client {
	t.Helper()
	name := "firefighter-" + utilrand.String(6)
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}}
	edit := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"", "apps", "networking.k8s.io"}, Resources: []string{"configmaps", "services", "deployments", "networkpolicies", "limitranges"},
			Verbs: []string{"get", "list", "update", "delete"}},
	}}
	require.NoError(t, c.Create(t.Context(), edit))
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), edit) })
	for _, role := range []string{name, "crmkeep-override"} {
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name + "-" + role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   subjects,
		}
		require.NoError(t, c.Create(t.Context(), binding))
		t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), binding) })
	}
	return c.as(t, name)
}
