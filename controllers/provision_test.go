package controllers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

func tenantGetsAHome(t *testing.T, in *installation) {
	tenant := in.tenant(t, "home", func(t *v1alpha1.CRMTenant) {
		t.Spec.Auditors = []v1alpha1.Subject{{Kind: "User", Name: "auditor@home.example"}}
		t.Spec.Limits = &v1alpha1.TenantLimits{Environments: build.Pointer[int32](3)}
	})
	assert.Equal(t, "crm-home", tenant.Status.Namespace)
	assert.EqualValues(t, 0, *tenant.Status.Environments)

	var home corev1.Namespace
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Name: "crm-home"}, &home))
	assert.Equal(t, "restricted", home.Labels["pod-security.kubernetes.io/enforce"])
	assert.Equal(t, naming.NamespaceHome, home.Labels[naming.LabelNamespace])
	assert.Empty(t, home.OwnerReferences)

	var quota corev1.ResourceQuota
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: "crm-home", Name: "crmkeep"}, &quota))
	assert.Equal(t, "0", quota.Spec.Hard.Pods().String(), "nothing runs where people write")
	limit := quota.Spec.Hard["count/crmenvironments.crmkeep.io"]
	assert.Equal(t, "3", limit.String())

	for role, subject := range map[string]rbacv1.Subject{
		"crmkeep-tenant-admin":   {Kind: "Group", APIGroup: rbacv1.GroupName, Name: "home-crm-admins"},
		"crmkeep-tenant-auditor": {Kind: "User", APIGroup: rbacv1.GroupName, Name: "auditor@home.example"},
	} {
		var binding rbacv1.RoleBinding
		require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: "crm-home", Name: role}, &binding))
		assert.Equal(t, role, binding.RoleRef.Name)
		assert.Equal(t, []rbacv1.Subject{subject}, binding.Subjects)
	}

	edit(t, in, tenant, func(t *v1alpha1.CRMTenant) { t.Spec.Auditors = nil })
	in.until(t, "the auditor has lost the right", func() error {
		var binding rbacv1.RoleBinding
		if err := in.Get(t.Context(), client.ObjectKey{Namespace: "crm-home", Name: "crmkeep-tenant-auditor"}, &binding); err != nil {
			return err
		}
		return mustBe(len(binding.Subjects) == 0, "%v", binding.Subjects)
	})

	in.environment(t, "home", "prod")
	in.until(t, "the tenant counts its environments", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(tenant), tenant); err != nil {
			return err
		}
		return mustBe(*tenant.Status.Environments == 1, "%d", *tenant.Status.Environments)
	})
}

func environmentGetsEverything(t *testing.T, in *installation) {
	tenant := in.tenant(t, "all")
	env := in.ready(t, "all", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.all.example" })

	assert.Equal(t, "https://crm.all.example", env.Status.URL)
	assert.Equal(t, "crm-all--prod", env.Status.Namespace)
	assert.Equal(t, "2.0", env.Status.Version)
	assert.Equal(t, v1alpha1.StateRunning, env.Status.State)
	assert.EqualValues(t, 1, env.Status.Encryption.KeyVersion)
	assert.EqualValues(t, 1, env.Status.Encryption.DataKeyVersion)
	undeclared := map[string]string{
		v1alpha1.ConditionBackupHealthy: v1alpha1.ReasonNoSchedule, v1alpha1.ConditionRolesEnforced: v1alpha1.ReasonNoPolicy,
	}
	for _, c := range env.Status.Conditions {
		if reason, ok := undeclared[c.Type]; ok {
			assert.Equal(t, reason, c.Reason)
			continue
		}
		assert.Equal(t, metav1.ConditionTrue, c.Status, c.Type)
	}

	resolved, err := target.Resolve(in.settings, tenant, build.Class(), env)
	require.NoError(t, err)
	planned, err := plan.ForEnvironment(&resolved, &facts.Environment{Database: facts.Workload{Exists: true, Current: true, Wanted: 1, Ready: 1}})
	require.NoError(t, err)
	for _, o := range planned.Objects() {
		live := liveOf(t, o)
		require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(live), live), "%s %s", live.GetKind(), live.GetName())
		assert.Empty(t, live.GetOwnerReferences(), "%s %s", live.GetKind(), live.GetName())
	}

	state, err := in.keys.Observe(t.Context(), planned.Vault)
	require.NoError(t, err)
	assert.NotNil(t, state.EncryptionKey)
	assert.NotNil(t, state.EvidenceKey)
	assert.NotNil(t, state.DataKey)
	assert.Empty(t, state.Stale)
	for _, role := range planned.Vault.Roles {
		assert.Equal(t, &role.PKI, state.Roles[role.PKI.Name].PKI)
		assert.Equal(t, &role.Auth, state.Roles[role.PKI.Name].Auth)
	}
}

// liveOf is an empty object of the kind and name that are planned.
func liveOf(t *testing.T, o object.Object) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o.Configuration)
	require.NoError(t, err)
	full := &unstructured.Unstructured{Object: content}
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(full.GroupVersionKind())
	live.SetNamespace(full.GetNamespace())
	live.SetName(full.GetName())
	return live
}
