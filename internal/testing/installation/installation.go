// Package installation gives tests what crmkeep is installed into: an API server with Kubernetes' own controllers and a stand-in for
// nodes, a real Vault that was bootstrapped, and the operator's identity with the rights that are shipped and no others.
package installation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/controlplane"
	needs "github.com/crmkeep/crmkeep/internal/testing/require"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// The operator's ServiceAccount.
const (
	OperatorNamespace = "crmkeep-system"
	OperatorName      = "crmkeep"
)

// Installation is a cluster and a Vault, prepared for the operator, which does not run yet.
type Installation struct {
	// Client is an administrator's, without a cache.
	client.Client
	Server *apitest.Server
	Vault  *vaulttest.Server
	// Layout is what the installation's settings come to in Vault.
	Layout layout.Settings
	// TokenFile holds what the operator logs in to Vault with.
	TokenFile string

	reviewer *vaulttest.TokenReviewer
}

// Start prepares everything until the test ends.
func Start(t testing.TB, s settings.Settings, options ...apitest.Option) *Installation {
	t.Helper()
	in := StartStill(t, s, options...)
	controlplane.Run(t, in.Server)
	return in
}

// StartStill is Start without Kubernetes' own controllers and nodes: what is created stays as it is.
func StartStill(t testing.TB, s settings.Settings, options ...apitest.Option) *Installation {
	t.Helper()
	needs.Env(t, vaulttest.BinaryEnv, "a Vault server built by hack/devvault")
	in := &Installation{
		Server: apitest.Start(t, append([]apitest.Option{apitest.WithCRDs("config/crd")}, options...)...),
		Vault:  vaulttest.Start(t), Layout: target.VaultSettings(s), reviewer: vaulttest.StartTokenReviewer(t),
		TokenFile: filepath.Join(t.TempDir(), "token"),
	}
	scheme, err := controllers.Scheme()
	require.NoError(t, err)
	in.Client, err = client.New(in.Server.Config(), client.Options{Scheme: scheme, FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, err)
	in.Bootstrap(t)
	token := in.reviewer.Token(t, OperatorNamespace, OperatorName, in.Layout.Audience)
	require.NoError(t, os.WriteFile(in.TokenFile, []byte(token), 0o600))
	in.grantRights(t)
	return in
}

// Bootstrap prepares Vault for crmkeep. It may be repeated, as after its storage was lost.
func (in *Installation) Bootstrap(t testing.TB) {
	t.Helper()
	require.NoError(t, bootstrap.Run(t.Context(), in.Vault.Root(t), bootstrap.Options{
		Settings: in.Layout,
		Kubernetes: bootstrap.Kubernetes{
			Host: in.reviewer.URL, ReviewerToken: "reviewer", Namespace: OperatorNamespace, ServiceAccount: OperatorName,
		},
		CA:     bootstrap.CA{RootCommonName: "test root", RootTTL: 48 * time.Hour, IntermediateTTL: 36 * time.Hour},
		Report: func(string, bool) {},
	}))
}

// KubernetesURL is where Vault asks who an operator is that logs in.
func (in *Installation) KubernetesURL() string { return in.reviewer.URL }

// OperatorConfig acts as the operator.
func (in *Installation) OperatorConfig() *rest.Config {
	return in.Server.As("system:serviceaccount:"+OperatorNamespace+":"+OperatorName, "system:serviceaccounts")
}

// grantRights gives the operator the role that is shipped, and no other: what it lacks shows here.
func (in *Installation) grantRights(t testing.TB) {
	t.Helper()
	content, err := os.ReadFile(apitest.File("config/rbac/role.yaml"))
	require.NoError(t, err)
	var role rbacv1.ClusterRole
	require.NoError(t, yaml.UnmarshalStrict([]byte(strings.TrimPrefix(string(content), "---\n")), &role))
	require.NoError(t, in.Create(t.Context(), &role))
	require.NoError(t, in.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: OperatorNamespace, Name: OperatorName}},
	}))
}
