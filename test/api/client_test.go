package api

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// newClient is strict, so that a misspelt field fails the test instead of being dropped.
func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(config, client.Options{FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, err)
	return c
}

// createHome makes a tenant's home namespace as the manager would, unless it is there.
func createHome(t *testing.T, c client.Client, tenant string) {
	t.Helper()
	createNamespace(t, c, naming.HomeNamespace(tenant), map[string]string{
		naming.LabelManagedBy: naming.ManagedBy,
		naming.LabelTenant:    tenant,
		naming.LabelNamespace: naming.NamespaceHome,
	})
}

func createNamespace(t *testing.T, c client.Client, name string, labels map[string]string) {
	t.Helper()
	err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}})
	if !apierrors.IsAlreadyExists(err) {
		require.NoError(t, err)
	}
}
