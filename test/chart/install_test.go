package chart

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

func TestTheChartInstallsUpgradesAndLeavesWhatLeadsToDataBehind(t *testing.T) {
	server := apitest.Start(t)
	c, err := client.New(server.Config(), client.Options{})
	require.NoError(t, err)
	require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "crmkeep-system"}}))
	cluster := []string{"--namespace=crmkeep-system", "--kubeconfig=" + kubeconfig(t, server.Config())}

	out, err := helm(t, append([]string{"install", "crmkeep", chartFolder, "--values=" + least}, cluster...)...)
	require.NoError(t, err, out)
	for _, kept := range leadingToData {
		require.NoError(t, exists(t.Context(), c, kept))
	}
	require.NoError(t, exists(t.Context(), c, deployment))

	out, err = helm(t, append([]string{"upgrade", "crmkeep", chartFolder, "--values=" + everything}, cluster...)...)
	require.NoError(t, err, out)

	out, err = helm(t, append([]string{"uninstall", "crmkeep"}, cluster...)...)
	require.NoError(t, err, out)
	for _, kept := range leadingToData {
		require.NoError(t, exists(t.Context(), c, kept))
	}
	require.True(t, apierrors.IsNotFound(exists(t.Context(), c, deployment)))
}

type reference struct {
	schema.GroupVersionKind
	name, namespace string
}

var (
	deployment    = reference{schema.FromAPIVersionAndKind("apps/v1", "Deployment"), "crmkeep", "crmkeep-system"}
	leadingToData = []reference{
		{schema.FromAPIVersionAndKind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "crmtenants.crmkeep.io", ""},
		{schema.FromAPIVersionAndKind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "crmenvironments.crmkeep.io", ""},
		{schema.FromAPIVersionAndKind("crmkeep.io/v1alpha1", "CRMClass"), "tryton", ""},
	}
)

func exists(ctx context.Context, c client.Client, of reference) error {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(of.GroupVersionKind)
	return c.Get(ctx, client.ObjectKey{Name: of.name, Namespace: of.namespace}, object)
}

// kubeconfig writes a configuration to a file for programs.
func kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file))
	return file
}
