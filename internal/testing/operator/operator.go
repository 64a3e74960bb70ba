// Package operator runs crmkeep's manager as it is shipped: as a process of its own, that tests end, kill and look at from outside.
package operator

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
)

// stopTimeout is how long a manager may take to end when it is asked to.
const stopTimeout = 30 * time.Second

// Build makes the program from the sources that are tested.
func Build(file string) error {
	build := exec.Command("go", "build", "-buildvcs=false", "-o", file, ".")
	build.Dir = apitest.File(".")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building crmkeep: %w\n%s", err, out)
	}
	return nil
}

// Options of a manager.
type Options struct {
	// Program is a crmkeep.
	Program string
	// Settings is the file with the installation's.
	Settings string
	// TokenFile holds what it logs in to Vault with.
	TokenFile string
	// API is how it gets to the API server: the proxy adds who the operator is.
	API *faultproxy.Proxy
	// Arguments beyond those that follow from the above.
	Arguments []string
}

// Manager is a process.
type Manager struct {
	process *exec.Cmd
	metrics string
	log     logged
	ended   chan struct{}
}

// Launch starts a manager and does not wait until it works. The end of the test ends it; when that has failed, its log is shown.
func Launch(t testing.TB, o Options) *Manager {
	t.Helper()
	m := &Manager{metrics: loopback.Address(t), ended: make(chan struct{})}
	m.process = exec.Command(o.Program, append([]string{
		"manager", "--settings=" + o.Settings, "--vault-token-file=" + o.TokenFile,
		"--metrics-bind-address=" + m.metrics, "--health-probe-bind-address=0",
	}, o.Arguments...)...)
	m.process.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig(t, o.API))
	m.process.Stderr = &m.log
	if err := m.process.Start(); err != nil {
		t.Fatalf("starting the manager: %v", err)
	}
	go func() {
		_ = m.process.Wait() // How it ended is in its log.
		close(m.ended)
	}()
	t.Cleanup(func() {
		m.Kill()
		if log := m.log.tail(); t.Failed() && log != "" {
			t.Logf("manager:\n%s", log)
		}
	})
	return m
}

// Kill ends the process as a power cut does, and returns when it is gone.
func (m *Manager) Kill() {
	_ = m.process.Process.Kill()
	<-m.ended
}

// Stop asks the process to end, and returns when it is gone.
func (m *Manager) Stop(t testing.TB) {
	t.Helper()
	if err := m.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("stopping the manager: %v", err)
	}
	force := time.AfterFunc(stopTimeout, func() { _ = m.process.Process.Kill() })
	defer force.Stop()
	<-m.ended
}

// Ended is closed when the process is gone.
func (m *Manager) Ended() <-chan struct{} { return m.ended }

// Log is the end of what the process has written.
func (m *Manager) Log() string { return m.log.tail() }

// kubeconfig leads to a proxy.
func kubeconfig(t testing.TB, api *faultproxy.Proxy) string {
	t.Helper()
	const name = "test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: api.URL, CertificateAuthorityData: []byte(api.CA)}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatalf("writing a kubeconfig: %v", err)
	}
	return file
}
