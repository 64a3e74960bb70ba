//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// tryton does something in Tryton as the first administrator, from behind the ingress controller; see hack/demo/crm.py.
func tryton(ctx context.Context, tenant, environment string, args ...string) (string, error) {
	return c.shell(ctx, tenant, append([]string{"crm", environment}, args...)...)
}

// answers waits until Tryton takes a login over verified TLS.
func answers(t *testing.T, tenant, environment string) {
	t.Helper()
	eventually(t, patient, "Tryton to take a login", func(ctx context.Context) error {
		who, err := tryton(ctx, tenant, environment, "login")
		if err == nil && who != "admin" {
			err = fmt.Errorf("logged in as %q", who)
		}
		return err
	})
}

// withoutVault gives a login to Tryton that asks Vault for nothing: it has the password and the CA already.
func withoutVault(t *testing.T, tenant, environment string) func(ctx context.Context) (string, error) {
	t.Helper()
	stored, err := c.vault.Logical().ReadWithContext(t.Context(), layout.Default().KVDataPath(layout.AdminPath(naming.WorkloadNamespace(tenant, environment))))
	require.NoError(t, err)
	require.NotNil(t, stored, "no administrator")
	password := stored.Data["data"].(map[string]any)["password"].(string)
	url, err := c.shell(t.Context(), tenant, "tryton_of", environment)
	require.NoError(t, err)
	ca, err := c.shell(t.Context(), tenant, "ca_chain")
	require.NoError(t, err)
	return func(ctx context.Context) (string, error) {
		return c.shellWith(ctx, tenant, password+"\n", "python", "demo-ingress/client", c.repo+"/hack/demo/crm.py", url, ca, "login")
	}
}

// newCustomer enters a customer and gives the name.
func newCustomer(t *testing.T, tenant, environment string) string {
	t.Helper()
	name := "Customer " + utilrand.String(8)
	_, err := tryton(t.Context(), tenant, environment, "create", name)
	require.NoError(t, err)
	return name
}

// assertCustomer checks that a customer is there, once.
func assertCustomer(t *testing.T, tenant, environment, name string) {
	t.Helper()
	found, err := tryton(t.Context(), tenant, environment, "find", name)
	require.NoError(t, err)
	assert.Equal(t, "1", found, name)
}

// ttrssAnswers waits until Tiny Tiny RSS takes a login over verified TLS.
func ttrssAnswers(t *testing.T, tenant, environment string) {
	t.Helper()
	eventually(t, patient, "Tiny Tiny RSS to take a login", func(ctx context.Context) error {
		who, err := c.shell(ctx, tenant, "person", environment, filepath.Join(c.repo, "test/e2e/ttrss.py"), "")
		if err == nil && who != "admin" {
			err = fmt.Errorf("%s", who)
		}
		return err
	})
}

// ttrss declares the class of that application, once or again, with two more versions: one of the same image, and one of an image
// that does not exist.
func ttrss(t *testing.T) string {
	t.Helper()
	declareTtrss.Lock()
	defer declareTtrss.Unlock()
	content, err := os.ReadFile(filepath.Join(c.repo, "test/classes/ttrss.yaml"))
	require.NoError(t, err)
	var declared v1alpha1.CRMClass
	require.NoError(t, yaml.UnmarshalStrict(content, &declared))
	declared.Spec.Versions = append(declared.Spec.Versions,
		v1alpha1.ClassVersion{Name: "21.1", Image: declared.Spec.Versions[0].Image},
		v1alpha1.ClassVersion{Name: "22", Image: missingImage})
	class := &v1alpha1.CRMClass{ObjectMeta: metav1.ObjectMeta{Name: declared.Name}}
	_, err = controllerutil.CreateOrUpdate(t.Context(), c, class, func() error {
		class.Spec = declared.Spec
		return nil
	})
	require.NoError(t, err)
	return class.Name
}

// declareTtrss lets one test at a time do so: of two, one would find that the class is there already.
var declareTtrss sync.Mutex

const missingImage = "crmkeep.local/no-such-image:22"
