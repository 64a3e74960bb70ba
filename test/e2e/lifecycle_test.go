//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// How environments begin, change and end.

func TestAnotherKindOfApplicationNeedsNothingButAClass(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "feeds", ttrss(t), nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)
	ttrssAnswers(t, tenant.Name, "feeds")

	t.Run("none of its secrets, its data key among them, is outside Vault", func(t *testing.T) {
		out, err := c.shell(t.Context(), tenant.Name, c.repo+"/hack/demo/proofs/3-no-secret-outside-vault.sh", "feeds")
		require.NoError(t, err)
		t.Logf("\n%s", out)
		assert.Contains(t, out, "the data key, in")
	})
	t.Run("it moves to another version", func(t *testing.T) {
		update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.Version = "21.1" })
		becomesReady(t, environment)
		assert.Equal(t, "21.1", environment.Status.Version)
		ttrssAnswers(t, tenant.Name, "feeds")
	})
	t.Run("its keys rotate without a restart", func(t *testing.T) {
		before := settled(t, environment)
		_, err := c.vault.Logical().WriteWithContext(t.Context(), layout.Default().TransitPath("keys", layout.EncryptionKeyName(workloadOf(environment)))+"/rotate", nil)
		require.NoError(t, err)
		poke(t, environment)
		eventually(t, patient, "the status to show the new version", func(ctx context.Context) error {
			if err := c.Get(ctx, client.ObjectKeyFromObject(environment), environment); err != nil {
				return err
			}
			if e := environment.Status.Encryption; e == nil || e.KeyVersion != 2 || e.DataKeyVersion != 2 {
				return fmt.Errorf("it shows %+v", e)
			}
			return nil
		})
		after, err := podsOf(t.Context(), workloadOf(environment), "")
		require.NoError(t, err)
		assert.Equal(t, started(before), started(after), "a pod was restarted or replaced")
	})
	t.Run("a version whose image does not exist changes nothing that runs but says what is missing", func(t *testing.T) {
		update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.Version = "22" })
		message := becomes(t, environment, v1alpha1.ConditionMigrated, metav1.ConditionFalse, v1alpha1.ReasonImageUnavailable)
		assert.Contains(t, message, missingImage)
		assert.Contains(t, message, "image of CRMClass")
		assert.Equal(t, "21.1", environment.Status.Version)
		ttrssAnswers(t, tenant.Name, "feeds")
		update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.Version = "21.1" })
		becomesReady(t, environment)
		ttrssAnswers(t, tenant.Name, "feeds")
	})
}

func TestProvisioningGoesOnAfterTheOperatorWasKilledAndVaultWasSealed(t *testing.T) {
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "prod", ttrss(t), nil)
	sealVault(t)
	require.NoError(t, c.Create(t.Context(), environment))
	message := becomes(t, environment, v1alpha1.ConditionKeysReady, metav1.ConditionFalse, "VaultSealed")
	assert.Contains(t, message, "unseal")
	killOperator(t)
	unsealVault(t)
	eventually(t, patient, "a database pod", func(ctx context.Context) error {
		pods, err := podsOf(ctx, workload(tenant, "prod"), naming.ComponentDatabase)
		if err == nil && len(pods) == 0 {
			err = errors.New("there is none")
		}
		return err
	})
	killOperator(t)
	sealVault(t)
	killOperator(t)
	unsealVault(t)
	becomesReady(t, environment)
	ttrssAnswers(t, tenant.Name, "prod")
}

func TestAnEnvironmentThatWasDeletedWhileItWasMadeIsGone(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	environment := newEnvironment(tenant, "short", ttrss(t), nil)
	require.NoError(t, c.Create(t.Context(), environment))
	becomes(t, environment, v1alpha1.ConditionNamespaceReady, metav1.ConditionTrue, "")
	require.NoError(t, c.Delete(t.Context(), environment))
	require.NoError(t, client.IgnoreNotFound(c.Delete(t.Context(), environment)))
	goes(t, environment)
	goes(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload(tenant, "short")}})
}

func TestADeletedProductionIsRetainedTakenUpAgainAndShredded(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, nil)
	asked := func() *v1alpha1.CRMEnvironment {
		return newEnvironment(tenant, "prod", "tryton", func(s *v1alpha1.CRMEnvironmentSpec) { s.Purpose = v1alpha1.PurposeProduction })
	}
	environment := asked()
	require.NoError(t, c.Create(t.Context(), environment))
	becomesReady(t, environment)
	answers(t, tenant.Name, "prod")
	name := newCustomer(t, tenant.Name, "prod")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workload(tenant, "prod")}}

	t.Run("deleting it stops it and keeps its data", func(t *testing.T) {
		require.NoError(t, c.Delete(t.Context(), environment))
		goes(t, environment)
		require.NoError(t, c.Get(t.Context(), client.ObjectKeyFromObject(namespace), namespace))
		require.NoError(t, nothingRuns(t.Context(), namespace.Name))
		var claims corev1.PersistentVolumeClaimList
		require.NoError(t, c.List(t.Context(), &claims, client.InNamespace(namespace.Name)))
		require.NotEmpty(t, claims.Items)
	})
	t.Run("an environment of the same name takes it up again", func(t *testing.T) {
		environment = asked()
		require.NoError(t, c.Create(t.Context(), environment))
		becomesReady(t, environment)
		answers(t, tenant.Name, "prod")
		assertCustomer(t, tenant.Name, "prod", name)
	})
	t.Run("a shred destroys the key and leaves a certificate that anybody can verify", func(t *testing.T) {
		key := keyPath(namespace.Name)
		before, err := c.vault.Logical().ReadWithContext(t.Context(), key)
		require.NoError(t, err)
		require.NotNil(t, before)
		public := evidenceKey(t, namespace.Name)
		update(t, environment, func(s *v1alpha1.CRMEnvironmentSpec) { s.DeletionPolicy = v1alpha1.DeletionShred })
		uid := environment.UID
		require.NoError(t, c.Delete(t.Context(), environment))
		goes(t, environment)
		goes(t, namespace)
		after, err := c.vault.Logical().ReadWithContext(t.Context(), key)
		require.NoError(t, err)
		assert.Nil(t, after, "the key is there")

		certificate := certificateOf(t, tenant)
		statement, err := certificate.Verify()
		require.NoError(t, err)
		assert.Equal(t, public, []byte(certificate.PublicKey), "signed by another key than Vault showed before")
		assert.Equal(t, string(uid), statement.UID)
		assert.Equal(t, tenant.Name, statement.Tenant)
	})
}

func TestDataOutlivesTheLossOfEveryCustomResourceDefinition(t *testing.T) {
	environment := rehearsal(t)
	name := newCustomer(t, acme, "test")
	production(t)

	var definitions apiextensionsv1.CustomResourceDefinitionList
	require.NoError(t, c.List(t.Context(), &definitions))
	for i := range definitions.Items {
		if d := &definitions.Items[i]; d.Spec.Group == naming.Group {
			require.NoError(t, c.Delete(t.Context(), d))
		}
	}
	for i := range definitions.Items {
		if d := &definitions.Items[i]; d.Spec.Group == naming.Group {
			goes(t, d)
		}
	}
	var claims corev1.PersistentVolumeClaimList
	require.NoError(t, c.List(t.Context(), &claims, client.InNamespace(workloadOf(environment))))
	require.NotEmpty(t, claims.Items, "the data is gone")

	out, err := c.shell(t.Context(), acme, c.repo+"/hack/demo/install.sh")
	require.NoError(t, err, out)
	_, err = c.shell(t.Context(), acme, "kubectl", "apply", "--server-side", "-f", c.repo+"/config/crd", "-f", c.repo+"/config/classes")
	require.NoError(t, err)
	for _, file := range []string{"tenant.yaml", "environment.yaml", "other-environment.yaml"} {
		_, err = c.shell(t.Context(), acme, "kubectl", "apply", "-f", c.repo+"/hack/demo/"+file)
		require.NoError(t, err)
	}
	becomesReady(t, environment)
	answers(t, acme, "test")
	assertCustomer(t, acme, "test", name)
	production(t)
	answers(t, acme, "prod")
}

// killOperator ends its pods at once and waits for it to be back.
func killOperator(t *testing.T) {
	t.Helper()
	require.NoError(t, c.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("crmkeep-system"), client.GracePeriodSeconds(0)))
	eventually(t, patient, "the operator to be back", func(ctx context.Context) error {
		var operator appsv1.Deployment
		if err := c.Get(ctx, client.ObjectKey{Namespace: "crmkeep-system", Name: "crmkeep"}, &operator); err != nil {
			return err
		}
		if s := operator.Status; s.ObservedGeneration != operator.Generation || s.AvailableReplicas != s.Replicas || s.Replicas == 0 {
			return fmt.Errorf("%d of %d available", s.AvailableReplicas, s.Replicas)
		}
		return nil
	})
}

func keyPath(namespace string) string {
	return layout.Default().TransitPath("keys", layout.EncryptionKeyName(namespace))
}

// evidenceKey is the public key that Vault shows for an environment's evidence.
func evidenceKey(t *testing.T, namespace string) []byte {
	t.Helper()
	secret, err := c.vault.Logical().ReadWithContext(t.Context(), layout.Default().TransitPath("keys", layout.EvidenceKeyName(namespace)))
	require.NoError(t, err)
	require.NotNil(t, secret)
	text, err := json.Marshal(secret.Data["keys"])
	require.NoError(t, err)
	var versions map[string]struct {
		PublicKey []byte `json:"public_key"`
	}
	require.NoError(t, json.Unmarshal(text, &versions))
	require.Len(t, versions, 1)
	return versions["1"].PublicKey
}

// certificateOf reads a tenant's only certificate of destruction.
func certificateOf(t *testing.T, tenant *v1alpha1.CRMTenant) evidence.Certificate {
	t.Helper()
	var maps corev1.ConfigMapList
	require.NoError(t, c.List(t.Context(), &maps, client.InNamespace(naming.HomeNamespace(tenant.Name)), client.MatchingLabels{naming.LabelEvidence: "destruction"}))
	require.Len(t, maps.Items, 1)
	var certificate evidence.Certificate
	require.NoError(t, json.Unmarshal([]byte(maps.Items[0].Data["certificate.json"]), &certificate))
	return certificate
}
