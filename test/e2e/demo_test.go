//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// acme is the demo's tenant: two environments of Tryton, which the tests share that do not change what others see. It stays.
const acme = "acme"

var declareAcme sync.Once

// production gives acme's environment for production, and rehearsal its other one, both ready.
func production(t *testing.T) *v1alpha1.CRMEnvironment { return ofAcme(t, "prod") }
func rehearsal(t *testing.T) *v1alpha1.CRMEnvironment  { return ofAcme(t, "test") }

func ofAcme(t *testing.T, name string) *v1alpha1.CRMEnvironment {
	t.Helper()
	declareAcme.Do(func() {
		var tenant v1alpha1.CRMTenant
		declare(t, "tenant.yaml", &tenant)
		eventually(t, soon, "the tenant to be ready", func(ctx context.Context) error {
			if err := c.Get(ctx, client.ObjectKeyFromObject(&tenant), &tenant); err != nil {
				return err
			}
			return is(tenant.Status.Conditions, tenant.Generation, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
		})
		declare(t, "environment.yaml", &v1alpha1.CRMEnvironment{})
		declare(t, "other-environment.yaml", &v1alpha1.CRMEnvironment{})
	})
	environment := newEnvironment(&v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: acme}}, name, "", nil)
	becomesReady(t, environment)
	return environment
}

// declare creates the object in a file of the demo, unless it is there.
func declare(t *testing.T, file string, object client.Object) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(c.repo, "hack/demo", file))
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(content, object))
	if err := c.Create(t.Context(), object); !apierrors.IsAlreadyExists(err) {
		require.NoError(t, err)
	}
}

func TestADeclaredTenantGetsACRMThatAPersonCanLogInTo(t *testing.T) {
	environment := production(t)
	answers(t, acme, "prod")
	assert.Equal(t, "https://crm.acme.example", environment.Status.URL)
	require.NotNil(t, environment.Status.Encryption)
	assert.GreaterOrEqual(t, environment.Status.Encryption.KeyVersion, int64(1))
	eventually(t, soon, "the status to show when the certificate ends", func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(environment), environment); err != nil {
			return err
		}
		if e := environment.Status.Encryption; e == nil || e.CertificateExpires == nil || !e.CertificateExpires.After(time.Now()) {
			return fmt.Errorf("it shows %+v", e)
		}
		return nil
	})
}

func TestTheDemosProofsHold(t *testing.T) {
	production(t)
	rehearsal(t)
	all, err := filepath.Glob(filepath.Join(c.repo, "hack/demo/proofs/*.sh"))
	require.NoError(t, err)
	require.Len(t, all, 8)
	// As in the demo: two chains, each of proofs that change the same environment.
	chains := map[string][]string{}
	for _, proof := range all {
		chain := "of what stays"
		if strings.ContainsAny(filepath.Base(proof)[:1], "67") {
			chain = "of what leaves"
		}
		chains[chain] = append(chains[chain], proof)
	}
	for chain, proofs := range chains {
		t.Run(chain, func(t *testing.T) {
			t.Parallel()
			for _, proof := range proofs {
				t.Run(strings.TrimSuffix(filepath.Base(proof), ".sh"), func(t *testing.T) { proofHolds(t, proof) })
			}
		})
	}
}

func proofHolds(t *testing.T, proof string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), proof)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("\n%s", out)
}
