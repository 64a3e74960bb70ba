// Package apitest gives tests a real etcd and kube-apiserver, users on it, and a record of the requests that a client makes.
//
// The binaries etcd, kube-apiserver and kubectl are looked for in the folder that KUBEBUILDER_ASSETS names. Where it is not set,
// tests are skipped, or fail if CRMKEEP_REQUIRE_ALL is set. No controllers run: nothing fills a quota's status or an aggregated
// role, collects garbage, or finishes deleting a namespace.
package apitest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crmkeep/crmkeep/internal/testing/require"
)

// assets is the variable that envtest reads too.
const assets = "KUBEBUILDER_ASSETS"

// killTimeout is how long a killed process may take to be gone.
const killTimeout = 20 * time.Second

// Server is a running API server. Its methods are safe for concurrent use.
type Server struct {
	environment *envtest.Environment
	config      *rest.Config
}

// Option changes how a server starts.
type Option func(*envtest.Environment)

// WithCRDs installs the CustomResourceDefinitions in a folder, given from the module's root.
func WithCRDs(folder string) Option {
	return func(e *envtest.Environment) {
		e.CRDDirectoryPaths = append(e.CRDDirectoryPaths, File(folder))
		e.ErrorIfCRDPathMissing = true
	}
}

// WithAdmissionPlugins turns on plugins that the API server does not run by default.
func WithAdmissionPlugins(plugins ...string) Option {
	return func(e *envtest.Environment) {
		e.ControlPlane.GetAPIServer().Configure().Append("enable-admission-plugins", plugins...)
	}
}

// WithCertificatesIn keeps the API server's certificates in a folder of the caller's, so that it can be killed and started again.
func WithCertificatesIn(folder string) Option {
	return func(e *envtest.Environment) { e.ControlPlane.GetAPIServer().CertDir = folder }
}

// Start runs a server for one test and stops it when the test ends.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	needAssets(t)
	server, err := start(options)
	if err != nil {
		t.Fatalf("starting the API server: %v", err)
	}
	t.Cleanup(func() {
		if err := server.environment.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	return server
}

// Shared is one server for all tests of a package. It starts with the first test that uses it.
type Shared struct {
	start func() (*Server, error)
}

// Main runs a package's tests with a shared server; use is told about it first. It returns the exit code, for TestMain:
//
//	var api *apitest.Shared
//
//	func TestMain(m *testing.M) {
//		os.Exit(apitest.Main(m, func(s *apitest.Shared) { api = s }, apitest.WithCRDs("config/crd")))
//	}
func Main(m *testing.M, use func(*Shared), options ...Option) int {
	var started *Server
	use(&Shared{start: sync.OnceValues(func() (*Server, error) {
		var err error
		started, err = start(options)
		return started, err
	})})
	code := m.Run()
	if started == nil {
		return code
	}
	if err := started.environment.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the API server:", err)
		return max(code, 1)
	}
	return code
}

// Server gives the shared server, or skips the test when there are no binaries.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	needAssets(t)
	server, err := s.start()
	if err != nil {
		t.Fatalf("starting the API server: %v", err)
	}
	return server
}

func needAssets(t testing.TB) {
	t.Helper()
	require.Env(t, assets, "a folder with etcd, kube-apiserver and kubectl")
}

func start(options []Option) (*Server, error) {
	log.SetLogger(logr.Discard()) // The first logger that is set stays, so a test can have its own.
	environment := &envtest.Environment{}
	// Fairness only costs time when one test is the only client.
	environment.ControlPlane.GetAPIServer().Configure().Set("enable-priority-and-fairness", "false")
	for _, option := range options {
		option(environment)
	}
	config, err := environment.Start()
	if err != nil {
		// What did start would outlive the test.
		return nil, errors.Join(err, environment.Stop())
	}
	config.QPS = -1 // A test that counts or times requests must not be throttled by its own client.
	return &Server{environment: environment, config: config}, nil
}

// Kill ends the API server's process at once, as a crash would, and leaves etcd running. It needs WithCertificatesIn.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	api := s.environment.ControlPlane.GetAPIServer()
	process, err := processWith("--cert-dir=" + api.CertDir)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatalf("killing the API server: %v", err)
	}
	// envtest notes the end of a process a little later; before, it says that there is none to stop.
	err = wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, killTimeout, true, func(context.Context) (bool, error) {
		return api.Stop() == nil, nil
	})
	if err != nil {
		t.Fatalf("waiting for the API server to be gone: %v", err)
	}
}

// processWith finds the process with that argument.
func processWith(argument string) (*os.Process, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil || !slices.Contains(strings.Split(string(content), "\x00"), argument) {
			continue // Most processes have ended meanwhile or are others.
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		return os.FindProcess(pid)
	}
	return nil, fmt.Errorf("no process has the argument %s", argument)
}

// Continue starts the API server again on the same etcd, address and certificates, and returns when it is healthy.
func (s *Server) Continue(t testing.TB) {
	t.Helper()
	if err := s.environment.ControlPlane.GetAPIServer().Start(); err != nil {
		t.Fatalf("starting the API server again: %v", err)
	}
}

// Config gives an administrator's configuration.
func (s *Server) Config() *rest.Config { return rest.CopyConfig(s.config) }

// Kubeconfig writes an administrator's configuration into a file for programs, and gives its path.
func (s *Server) Kubeconfig(t testing.TB) string {
	t.Helper()
	return s.KubeconfigAs(t, "")
}

// KubeconfigAs is Kubeconfig for a program that acts as another user in some groups.
func (s *Server) KubeconfigAs(t testing.TB, user string, groups ...string) string {
	t.Helper()
	const name = "test"
	out := clientcmdapi.NewConfig()
	out.Clusters[name] = &clientcmdapi.Cluster{Server: s.config.Host, CertificateAuthorityData: s.config.CAData}
	out.AuthInfos[name] = &clientcmdapi.AuthInfo{
		ClientCertificateData: s.config.CertData, ClientKeyData: s.config.KeyData, Impersonate: user, ImpersonateGroups: groups,
	}
	out.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	out.CurrentContext = name
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*out, path); err != nil {
		t.Fatalf("writing a kubeconfig: %v", err)
	}
	return path
}

// As gives a configuration that acts as another user, with the rights that RBAC gives to the user and the groups.
func (s *Server) As(user string, groups ...string) *rest.Config {
	config := s.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	return config
}

// File is a file or folder given from the module's root.
func File(path string) string { return filepath.Join(moduleRoot(), path) }

// moduleRoot is found upwards, because tests run in their package's folder.
func moduleRoot() string {
	folder, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return folder
		}
	}
}
