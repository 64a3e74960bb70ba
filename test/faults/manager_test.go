package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/testing/loopback"
)

// stopTimeout is how long a manager may take to end when it is asked to.
const stopTimeout = 30 * time.Second

// manager is crmkeep's manager as a process of its own.
type manager struct {
	process *exec.Cmd
	metrics string
	log     logged
	// ended is closed when the process is gone.
	ended chan struct{}
}

// start runs a manager and returns when its workers run. The end of the test ends it.
func (w *world) start(t *testing.T, arguments ...string) *manager {
	t.Helper()
	m := w.launch(t, arguments...)
	w.until(t, "the manager works", func() error {
		select {
		case <-m.ended:
			t.Fatalf("the manager has ended:\n%s", m.log.tail())
		default:
		}
		return m.works()
	})
	return m
}

// launch runs a manager and does not wait for it.
func (w *world) launch(t *testing.T, arguments ...string) *manager {
	t.Helper()
	program, err := binary()
	require.NoError(t, err)
	m := &manager{metrics: loopback.Address(t), ended: make(chan struct{})}
	m.process = exec.Command(program, append([]string{
		"manager", "--settings=" + w.settingsFile(t), "--vault-token-file=" + w.TokenFile,
		"--metrics-bind-address=" + m.metrics, "--health-probe-bind-address=0",
	}, arguments...)...)
	m.process.Env = append(os.Environ(), "KUBECONFIG="+w.kubeconfig(t))
	m.process.Stderr = &m.log
	require.NoError(t, m.process.Start())
	go func() {
		_ = m.process.Wait() // How it ended is in its log.
		close(m.ended)
	}()
	t.Cleanup(func() {
		m.kill()
		if log := m.log.tail(); t.Failed() && log != "" {
			t.Logf("manager:\n%s", log)
		}
	})
	return m
}

// kill ends the process as a power cut does, and returns when it is gone.
func (m *manager) kill() {
	_ = m.process.Process.Kill()
	<-m.ended
}

// stop asks the process to end.
func (m *manager) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, m.process.Process.Signal(syscall.SIGTERM))
	force := time.AfterFunc(stopTimeout, func() { _ = m.process.Process.Kill() })
	defer force.Stop()
	<-m.ended
}

func (w *world) settingsFile(t *testing.T) string {
	t.Helper()
	content, err := yaml.Marshal(w.settings)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file
}

// kubeconfig leads to the proxy, which adds who the operator is.
func (w *world) kubeconfig(t *testing.T) string {
	t.Helper()
	const name = "test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: w.api.URL, CertificateAuthorityData: []byte(w.api.CA)}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(*config, file))
	return file
}

// works tells whether the workers run: they are counted once the caches that they read are full.
func (m *manager) works() error {
	n, err := m.sum("controller_runtime_max_concurrent_reconciles", "crmenvironment", "crmtenant")
	if err == nil && n == 0 {
		err = fmt.Errorf("no worker runs")
	}
	return err
}

// idle tells whether nothing is queued or being worked on.
func (m *manager) idle() error {
	queued, err := m.sum("workqueue_depth")
	if err != nil {
		return err
	}
	active, err := m.sum("controller_runtime_active_workers")
	if err == nil && queued+active > 0 {
		err = fmt.Errorf("%v queued, %v worked on", queued, active)
	}
	return err
}

// passes counts what the controllers have done.
func (m *manager) passes() (float64, error) { return m.sum("controller_runtime_reconcile_total") }

// sum adds up a metric of the controllers, all when none is named.
func (m *manager) sum(name string, controllers ...string) (float64, error) {
	response, err := http.Get("http://" + m.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, metric := range families[name].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "controller" && (len(controllers) == 0 || slices.Contains(controllers, label.GetValue())) {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum, nil
}

// settle waits until the managers are quiet.
func (w *world) settle(t *testing.T, managers ...*manager) {
	t.Helper()
	w.until(t, "nothing is left to do", quiet(managers...))
}

// quiet tells, asked again and again, when managers have nothing to do and have done nothing for a while, retries after a conflict
// included.
func quiet(managers ...*manager) func() error {
	const enough = 8
	last, looks := -1.0, 0
	return func() error {
		done := 0.0
		for _, m := range managers {
			passes, err := m.passes()
			if err == nil {
				err = m.idle()
			}
			if err != nil {
				last, looks = -1, 0
				return err
			}
			done += passes
		}
		if looks++; done != last {
			last, looks = done, 0
		}
		if looks < enough {
			return fmt.Errorf("quiet for %d looks only", looks)
		}
		return nil
	}
}

// logged is what a process has written. It may be read while the process writes.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// tail is with what an error can be understood; every start says the same.
func (l *logged) tail() string {
	const length = 8000
	l.mu.Lock()
	defer l.mu.Unlock()
	var text strings.Builder
	for line := range strings.Lines(l.text.String()) {
		if !strings.Contains(line, `"msg":"Starting `) {
			text.WriteString(line)
		}
	}
	return text.String()[max(0, text.Len()-length):]
}
