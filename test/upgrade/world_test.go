package upgrade

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/controllers"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/await"
	"github.com/crmkeep/crmkeep/internal/testing/controlplane"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/installation"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
	needs "github.com/crmkeep/crmkeep/internal/testing/require"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
)

// patience is how long the test waits for what must come about. A machine with few processors and many tests is slow.
const patience = 4 * time.Minute

const release = "crmkeep"

// world is a cluster and a Vault that crmkeep is installed into, and upgraded in, by what an administrator has for it: crmkeep vault
// bootstrap, kubectl and helm.
type world struct {
	// Client is an administrator's, without a cache.
	client.Client
	vault   *vaulttest.Server
	objects *s3test.Server
	// api and secrets are how the manager gets to the API server and to Vault.
	api, secrets *faultproxy.Proxy
	kubeconfig   string
	// The files that an administrator has for an installation.
	values, reviewerToken string
	reviewer              *vaulttest.TokenReviewer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := apitest.Start(t)
	w := &world{
		vault: vaulttest.Start(t), objects: s3test.Start(t, "backups"), reviewer: vaulttest.StartTokenReviewer(t),
		kubeconfig: server.Kubeconfig(t), reviewerToken: write(t, "reviewer"),
	}
	controlplane.Run(t, server)
	scheme, err := controllers.Scheme()
	require.NoError(t, err)
	w.Client, err = client.New(server.Config(), client.Options{Scheme: scheme})
	require.NoError(t, err)
	config := server.As("system:serviceaccount:"+installation.OperatorNamespace+":"+installation.OperatorName, "system:serviceaccounts")
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	w.api = faultproxy.Start(t, config.Host, transport)
	w.secrets = faultproxy.Start(t, w.vault.Address, nil)
	vault, err := yaml.Marshal(map[string]any{"settings": map[string]any{"vault": settings.Vault{Address: w.secrets.URL, CABundle: w.secrets.CA}}})
	require.NoError(t, err)
	w.values = write(t, string(vault))
	return w
}

// install brings a version in, in place of the one that is there, as docs/how-to/install.md says.
func (w *world) install(t *testing.T, v version) {
	t.Helper()
	w.run(t, v.program, "vault", "bootstrap", "--address", w.vault.Address, "--kubernetes-host", w.reviewer.URL, "--token-reviewer-file", w.reviewerToken)
	w.kubectl(t, "apply", "--server-side", "--force-conflicts", "-f", v.file("config/crd"))
	w.run(t, needs.Env(t, "HELM", "the program helm, built by hack/tools"), "upgrade", "--install", release, v.file("charts/crmkeep"),
		"--namespace", installation.OperatorNamespace, "--create-namespace", "--values", "testdata/values.yaml", "--values", w.values, "--wait")
}

// operate runs a version's manager with the settings that its chart has made, and returns when its workers run.
func (w *world) operate(t *testing.T, v version) *operator.Manager {
	t.Helper()
	token := w.reviewer.Token(t, installation.OperatorNamespace, installation.OperatorName, "vault")
	m := operator.Launch(t, operator.Options{
		Program: v.program, Settings: w.settingsFile(t), TokenFile: write(t, token), API: w.api,
	})
	w.until(t, "the "+v.name+" manager works", func() error {
		select {
		case <-m.Ended():
			t.Fatalf("the manager has ended:\n%s", m.Log())
		default:
		}
		return m.Works()
	})
	return m
}

// settingsFile is the installation's, as the manager's pod has it.
func (w *world) settingsFile(t *testing.T) string {
	t.Helper()
	stored := &corev1.ConfigMap{}
	require.NoError(t, w.Get(t.Context(), client.ObjectKey{Namespace: installation.OperatorNamespace, Name: "crmkeep-settings"}, stored))
	return write(t, stored.Data["settings.yaml"])
}

// kubectl acts as the administrator.
func (w *world) kubectl(t *testing.T, arguments ...string) {
	t.Helper()
	w.run(t, filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), arguments...)
}

// run runs a program as the administrator, who may do everything in the cluster and in Vault.
func (w *world) run(t *testing.T, program string, arguments ...string) string {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig, "VAULT_ADDR="+w.vault.Address, "VAULT_TOKEN="+w.vault.RootToken)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s %v:\n%s", filepath.Base(program), arguments, out)
	return string(out)
}

// until waits for a condition.
func (w *world) until(t *testing.T, what string, condition func() error) {
	t.Helper()
	await.Until(t, patience, what, condition)
}

// settle waits until a manager has nothing left to do.
func (w *world) settle(t *testing.T, m *operator.Manager) {
	t.Helper()
	w.until(t, "nothing is left to do", operator.Quiet(m))
}

func write(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

// mustBe is an error unless it holds.
func mustBe(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}
