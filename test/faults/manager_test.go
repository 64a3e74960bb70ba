package faults

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/testing/operator"
)

// start runs a manager and returns when its workers run. The end of the test ends it.
func (w *world) start(t *testing.T, arguments ...string) *operator.Manager {
	t.Helper()
	m := w.launch(t, arguments...)
	w.until(t, "the manager works", func() error {
		select {
		case <-m.Ended():
			t.Fatalf("the manager has ended:\n%s", m.Log())
		default:
		}
		return m.Works()
	})
	return m
}

// launch runs a manager and does not wait for it.
func (w *world) launch(t *testing.T, arguments ...string) *operator.Manager {
	t.Helper()
	program, err := binary()
	require.NoError(t, err)
	return operator.Launch(t, operator.Options{
		Program: program, Settings: w.settingsFile(t), TokenFile: w.TokenFile, API: w.api, Arguments: arguments,
	})
}

func (w *world) settingsFile(t *testing.T) string {
	t.Helper()
	content, err := yaml.Marshal(w.settings)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file
}

// settle waits until the managers are quiet.
func (w *world) settle(t *testing.T, managers ...*operator.Manager) {
	t.Helper()
	w.until(t, "nothing is left to do", operator.Quiet(managers...))
}
