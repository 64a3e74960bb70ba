package explain_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/access/explain"
	"github.com/crmkeep/crmkeep/internal/declaration"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

func TestTheClusterAnswersAsTheFilesDoAndOnlyWhoMayRead(t *testing.T) {
	server := apitest.Start(t, apitest.WithCRDs("config/crd"))
	c, err := client.New(server.Config(), client.Options{})
	require.NoError(t, err)
	require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "crm-acme"}}))
	content, err := os.ReadFile(declarations)
	require.NoError(t, err)
	require.NoError(t, declaration.Documents(content, func(_ string, document []byte) error {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &o.Object); err != nil {
			return err
		}
		return c.Create(t.Context(), o)
	}))

	question := []string{"read", "contact", today}
	want, err := run(t, explain.NewWhoCanCommand(), append(question, "-f", declarations)...)
	require.NoError(t, err)

	t.Setenv("KUBECONFIG", kubeconfig(t, server.Config()))
	got, err := run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/prod")...)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/other")...)
	assert.ErrorContains(t, err, `"other" not found`)

	t.Setenv("KUBECONFIG", kubeconfig(t, server.As("somebody")))
	_, err = run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/prod")...)
	assert.ErrorContains(t, err, "forbidden")
}

func kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
			Impersonate: config.Impersonate.UserName, ImpersonateGroups: config.Impersonate.Groups,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file))
	return file
}
