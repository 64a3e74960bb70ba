//go:build e2e

// Package e2e proves the whole of crmkeep on a local cluster: pods, enforced network policies, a real Vault, a CRM that answers.
// It runs on what hack/demo/install.sh makes or finds there, and leaves that up: a second run starts at once.
//
// Tests whose tenants are their own run in parallel, after all others. Those that use acme, or disturb what others use, such as Vault, run
// alone.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// c is what all tests share.
var c *cluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctrllog.SetLogger(logr.Discard()) // of the client library; what matters, calls return
	repo, err := filepath.Abs("../..")
	if err != nil {
		return 0, err
	}
	install := exec.Command(filepath.Join(repo, "hack/demo/install.sh"), "ttrss")
	install.Stdout, install.Stderr = os.Stdout, os.Stderr
	if err := install.Run(); err != nil {
		return 0, fmt.Errorf("installing crmkeep: %w", err)
	}
	if c, err = connect(repo); err != nil {
		return 0, err
	}
	return m.Run(), nil
}
