// Package controlplane completes an API server of package apitest to what controllers live in: Kubernetes' own controllers run as a
// process, and a stand-in for kubelet takes every pod to where a node would. Nothing runs in the pods; the end-to-end tests are for that.
package controlplane

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/require"
)

// controllers that run.
var controllers = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "job-controller", "cronjob-controller",
	"namespace-controller", "garbage-collector-controller", "resourcequota-controller",
	"persistentvolumeclaim-protection-controller",
}

const stopTimeout = 20 * time.Second

// Run runs controllers and nodes until the test ends. The binary kube-controller-manager is looked for beside kube-apiserver.
func Run(t testing.TB, server *apitest.Server) {
	t.Helper()
	binary := filepath.Join(require.Env(t, "KUBEBUILDER_ASSETS", "a folder with kube-controller-manager"), "kube-controller-manager")
	if _, err := os.Stat(binary); err != nil {
		require.Missing(t, "needs kube-controller-manager: %v", err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(kubeconfigOf(server.Config()), kubeconfig); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(binary, "--kubeconfig="+kubeconfig, "--controllers="+strings.Join(controllers, ","), //nolint:gosec // ours
		"--leader-elect=false", "--secure-port=0", "--concurrent-namespace-syncs=4", "--namespace-sync-period=5s",
		// The test's own clients are the load; a throttled controller would only make it wait.
		"--kube-api-qps=500", "--kube-api-burst=500")
	var log strings.Builder
	process.Stderr = &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		force := time.AfterFunc(stopTimeout, func() { _ = process.Process.Kill() })
		defer force.Stop()
		_ = process.Wait()
		if t.Failed() && os.Getenv("CRMKEEP_TEST_VERBOSE") != "" {
			t.Logf("kube-controller-manager:\n%s", log.String())
		}
	})
	runNode(t, server.Config())
}

func kubeconfigOf(c *rest.Config) clientcmdapi.Config {
	const name = "test"
	out := clientcmdapi.NewConfig()
	out.Clusters[name] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
	out.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData}
	out.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	out.CurrentContext = name
	return *out
}
