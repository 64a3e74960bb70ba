package faults

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// lostKeysAreNotMadeAnew takes keys away that data is encrypted with: new ones in their place would make the loss silent and final.
func lostKeysAreNotMadeAnew(t *testing.T, w *world) {
	const tenant, name = "forgetful", "prod"
	m, whole := w.start(t), t
	w.tenant(t, tenant)
	w.create(t, build.Environment(tenant, name, func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }))
	w.comesTo(t, tenant, name, "True Succeeded")
	w.settle(t, m)
	copied := w.Vault.Copy(t)
	w.comesTo(t, tenant, name, "True Succeeded")
	w.settle(t, m)
	before := w.snapshot(t, tenant)
	dataKey := w.dataKey(t, tenant, name)

	for _, loss := range []struct {
		sentence string
		lose     func(*testing.T, *world)
		// message of the condition.
		message string
	}{
		{"the wrapped data key", loseDataKey, "the wrapped data key crm-forgetful--prod/data-key is gone from Vault"},
		{"the key that wraps it", loseKey, "the environment's key crm-forgetful--prod is gone from Vault"},
		{"both, as when Vault's storage was lost", func(t *testing.T, w *world) { loseDataKey(t, w); loseKey(t, w) },
			"bring it back from a snapshot of Vault"},
	} {
		t.Run(loss.sentence, func(t *testing.T) {
			loss.lose(t, w)
			m.Kill()
			m = w.start(whole) // What it has seen lately it trusts for a while.
			env := w.comesTo(t, tenant, name, "Reconciling VaultKeyLost")
			assert.Contains(t, message(env, v1alpha1.ConditionKeysReady), loss.message)
			w.settle(t, m)
			assert.ElementsMatch(t, []string{"database", "queue", "web"}, w.pods(t, tenant, name), "what runs keeps running")
			after := w.snapshot(t, tenant)
			for object := range after {
				assert.Contains(t, before, object, "it was made anew")
			}

			w.Vault.Restore(t, copied)
			w.edit(t, tenant, name, touch)
			w.comesTo(t, tenant, name, "True Succeeded")
			assert.Equal(t, dataKey, w.dataKey(t, tenant, name))
		})
	}
	t.Run("a key of an environment that is taken up again", func(t *testing.T) { lostWhileRetained(t, w) })
}

// lostWhileRetained loses the keys of data that no environment speaks for at the time.
func lostWhileRetained(t *testing.T, w *world) {
	const tenant, name = "forgetful", "prod"
	env := build.Environment(tenant, name, func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction })
	require.NoError(t, w.Delete(t.Context(), env))
	w.gone(t, env)
	loseDataKey(t, w)
	loseKey(t, w)
	w.create(t, build.Environment(tenant, name, func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction }))
	w.comesTo(t, tenant, name, "Reconciling VaultKeyLost")
	assert.Empty(t, w.pods(t, tenant, name))
}

// touch has an environment looked at now.
func touch(e *v1alpha1.CRMEnvironment) {
	days := int32(8)
	if was := e.Spec.Encryption; was != nil {
		days = *was.KeyRotationDays + 1
	}
	e.Spec.Encryption = &v1alpha1.EnvironmentEncryption{KeyRotationDays: &days}
}

func loseDataKey(t *testing.T, w *world) {
	t.Helper()
	path := w.Layout.KVMetadataPath(w.layoutOf("forgetful", "prod").DataKey.Path)
	_, err := w.Vault.Root(t).Logical().DeleteWithContext(t.Context(), path)
	require.NoError(t, err)
}

func loseKey(t *testing.T, w *world) {
	t.Helper()
	root := w.Vault.Root(t).Logical()
	path := w.Layout.TransitPath("keys", w.layoutOf("forgetful", "prod").EncryptionKey.Name)
	_, err := root.WriteWithContext(t.Context(), path+"/config", map[string]any{"deletion_allowed": true})
	require.NoError(t, err)
	_, err = root.DeleteWithContext(t.Context(), path)
	require.NoError(t, err)
}

// pods of an environment that have not finished, by component.
func (w *world) pods(t *testing.T, tenant, name string) []string {
	t.Helper()
	var pods corev1.PodList
	require.NoError(t, w.List(t.Context(), &pods, client.InNamespace(naming.WorkloadNamespace(tenant, name))))
	var components []string
	for _, p := range pods.Items {
		if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			components = append(components, p.Labels[naming.LabelComponent])
		}
	}
	return components
}
