//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// People of the demo's policy. That roles hold in a real CRM, a change by hand is undone and an open session ends is proof 6 of the demo.
const (
	li = "li.na@acme.example"
	bo = "bo@acme.example"
)

func TestARestoredEnvironmentKeepsLeaversOut(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "prod", "tryton", nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)
	answers(t, tenant.Name, "prod")
	_, err := c.shell(t.Context(), tenant.Name, "colleague", "prod", "admin", "found", "Acme Trading")
	require.NoError(t, err)
	policy := salesPolicy(t, tenant)
	require.NoError(t, admin(t, tenant).Create(t.Context(), policy))
	enforced(t, policy)
	password := map[string]string{li: firstPassword(t, environment, li), bo: firstPassword(t, environment, bo)}
	for _, login := range []string{li, bo} {
		require.Equal(t, login, logsIn(t, tenant, login, password[login]))
	}

	backup := newBackup(tenant, "before", "prod")
	require.NoError(t, admin(t, tenant).Create(t.Context(), backup))
	ended(t, backup, &backup.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, backup.Status.Phase, "%+v", backup.Status)

	leaves(t, policy, li)
	isOut(t, environment, li)
	require.Equal(t, "refused", logsIn(t, tenant, li, password[li]))

	restore := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Name: "back", Namespace: environment.Namespace},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: backup.Name}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: "prod"}},
		},
	}
	require.NoError(t, admin(t, tenant).Create(t.Context(), restore))
	ended(t, restore, &restore.Status.CompletedAt)
	require.Equal(t, v1alpha1.PhaseComplete, restore.Status.Phase, "%+v", restore.Status)
	becomesReady(t, environment)
	enforced(t, policy)
	assert.Nil(t, environment.Status.Access.ClosedSince, "people are let in again")
	assert.Equal(t, "refused", logsIn(t, tenant, li, password[li]), "the backup has the account as it was when it was open")
	assert.Equal(t, bo, logsIn(t, tenant, bo, password[bo]))
}

// salesPolicy is the demo's, for the environment prod of a tenant.
func salesPolicy(t *testing.T, tenant *v1alpha1.CRMTenant) *v1alpha1.CRMRolePolicy {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.repo, "hack/demo/policy.yaml"))
	require.NoError(t, err)
	policy := &v1alpha1.CRMRolePolicy{}
	require.NoError(t, yaml.UnmarshalStrict(content, policy))
	policy.Namespace, policy.Spec.Environments = naming.HomeNamespace(tenant.Name), []string{"prod"}
	return policy
}

// enforced waits until a policy as it is now holds in the CRM.
func enforced(t *testing.T, policy *v1alpha1.CRMRolePolicy) {
	t.Helper()
	eventually(t, patient, "policy "+policy.Name+" to be enforced", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(policy), policy); err != nil {
			return err
		}
		return is(policy.Status.Conditions, policy.Generation, v1alpha1.ConditionRolesEnforced, metav1.ConditionTrue, "")
	})
}

// leaves takes a person out of all bindings.
func leaves(t *testing.T, policy *v1alpha1.CRMRolePolicy, login string) {
	t.Helper()
	eventually(t, soon, "an update", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(policy), policy); err != nil {
			return err
		}
		for i := range policy.Spec.Bindings {
			b := &policy.Spec.Bindings[i]
			b.Subjects = slices.DeleteFunc(b.Subjects, func(s v1alpha1.Subject) bool { return s.Name == login })
		}
		return c.Update(ctx, policy)
	})
}

// isOut waits until somebody was put out, which takes no longer than 30 seconds.
func isOut(t *testing.T, environment *v1alpha1.CRMEnvironment, login string) {
	t.Helper()
	eventually(t, soon, login+" to be out", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(environment), environment); err != nil {
			return err
		}
		for _, l := range environment.Status.Access.Leavers {
			if l.Name == login && l.DoneAt != nil {
				assert.LessOrEqual(t, l.DoneAt.Sub(l.AskedAt.Time).Seconds(), 30.0)
				return nil
			}
		}
		return fmt.Errorf("leavers: %+v", environment.Status.Access.Leavers)
	})
}

// firstPassword that crmkeep has made for a person.
func firstPassword(t *testing.T, environment *v1alpha1.CRMEnvironment, login string) string {
	t.Helper()
	path := layout.Default().KVDataPath(layout.InvitationPath(workloadOf(environment), login))
	stored, err := c.vault.Logical().ReadWithContext(t.Context(), path)
	require.NoError(t, err)
	require.NotNil(t, stored, "no invitation of %s", login)
	return stored.Data["data"].(map[string]any)["password"].(string)
}

// logsIn gives who is logged in to prod then, or "refused".
func logsIn(t *testing.T, tenant *v1alpha1.CRMTenant, login, password string) string {
	t.Helper()
	who, err := c.shellWith(t.Context(), tenant.Name, password+"\n", "colleague_with", "prod", login, "login")
	require.NoError(t, err)
	return who
}
