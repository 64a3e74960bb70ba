//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// The demo on a cluster that somebody has already. The local node stands for it, under the name of another kubeconfig. This is the last test
// that runs alone, since it takes away what the others share: acme goes with all its data, and comes back as another.

func TestTheDemoRunsOnAClusterThatIsThereAndLeavesIt(t *testing.T) {
	yours := elsewhere(t)
	// Whatever comes of it, the tests that follow in parallel, and the next run, find what they expect.
	t.Cleanup(func() {
		out, err := program(context.WithoutCancel(t.Context()), nil, "hack/demo/install.sh", "ttrss")
		assert.NoError(t, err, out)
	})

	onlyAcme(t)
	t.Run("down removes it from the cluster and says what stays in Vault", func(t *testing.T) {
		out, err := program(t.Context(), yours, "hack/demo.sh", "down")
		require.NoError(t, err, out)
		assert.Contains(t, out, "In Vault stays")
		assertNothingOfTheDemo(t)
	})
	t.Run("again, it finds nothing to do", func(t *testing.T) {
		out, err := program(t.Context(), yours, "hack/demo.sh", "down")
		require.NoError(t, err, out)
	})
	t.Run("the whole demo runs there, but for what needs the local node's disk", func(t *testing.T) {
		out, err := program(t.Context(), yours, "hack/demo.sh")
		require.NoError(t, err, out)
		t.Logf("\n%s", out)
		assert.Contains(t, out, "s after the tenant was applied")
		assert.Contains(t, out, "resumed after")
		assert.Equal(t, 2, strings.Count(out, "left out"), "proofs of backups")
	})
}

// onlyAcme waits until the tenants of other tests are gone: while there are any, the demo does not take crmkeep away.
func onlyAcme(t *testing.T) {
	t.Helper()
	eventually(t, patient, "other tenants to be gone", func(ctx context.Context) error {
		var tenants v1alpha1.CRMTenantList
		if err := c.List(ctx, &tenants); err != nil {
			return err
		}
		for i := range tenants.Items {
			if name := tenants.Items[i].Name; name != acme {
				return errors.New(name + " is there")
			}
		}
		return nil
	})
}

// elsewhere is the environment of somebody who has a cluster, Vault and kubectl.
func elsewhere(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(c.kubeconfig)
	require.NoError(t, err)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, content, 0o600))
	return []string{
		"KUBECONFIG=" + kubeconfig,
		"PATH=" + os.Getenv("KUBEBUILDER_ASSETS") + ":" + os.Getenv("PATH"),
		"VAULT_ADDR=" + c.vault.Address(),
		"VAULT_CACERT=" + filepath.Join(filepath.Dir(c.kubeconfig), "vault/ca.crt"),
		"VAULT_TOKEN=" + c.vault.Token(),
	}
}

// assertNothingOfTheDemo looks for what it made in the cluster and in Vault.
func assertNothingOfTheDemo(t *testing.T) {
	t.Helper()
	var definitions apiextensionsv1.CustomResourceDefinitionList
	require.NoError(t, c.List(t.Context(), &definitions))
	for i := range definitions.Items {
		assert.NotEqual(t, naming.Group, definitions.Items[i].Spec.Group)
	}
	var namespaces corev1.NamespaceList
	require.NoError(t, c.List(t.Context(), &namespaces))
	for i := range namespaces.Items {
		name := namespaces.Items[i].Name
		for _, demos := range []string{"crmkeep-", "demo-", naming.HomeNamespace(acme)} {
			assert.False(t, strings.HasPrefix(name, demos), "namespace %s is there", name)
		}
	}
	policies, err := c.vault.Sys().ListPoliciesWithContext(t.Context())
	require.NoError(t, err)
	for _, policy := range policies {
		assert.False(t, strings.HasPrefix(policy, "demo-officer-"+naming.HomeNamespace(acme)), "policy %s is there", policy)
	}
	for _, environment := range []string{"prod", "test", "leaving"} {
		key, err := c.vault.Logical().ReadWithContext(t.Context(), keyPath(naming.WorkloadNamespace(acme, environment)))
		require.NoError(t, err)
		assert.Nil(t, key, "the key of %s is there", environment)
	}
}
