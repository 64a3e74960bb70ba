package upgrade

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
	needs "github.com/crmkeep/crmkeep/internal/testing/require"
)

// notInThisClone is what build-previous.sh exits with when the history is not whole.
const notInThisClone = 3

// version of crmkeep.
type version struct {
	name string
	// program is the binary, and sources the folder that it was built from.
	program, sources string
}

// file of the sources.
func (v version) file(path string) string { return filepath.Join(v.sources, path) }

// previous is the version that landed last. A clone without its commit skips the test, whatever else must not be skipped: what is to land
// must not depend on how deep somebody's clone is.
func previous(t *testing.T) version {
	t.Helper()
	needs.Env(t, "KUBEBUILDER_ASSETS", "a folder with etcd, kube-apiserver and kubectl") // Else nothing is worth building.
	build := exec.Command(apitest.File("test/upgrade/build-previous.sh"))
	var messages bytes.Buffer
	build.Stderr = &messages
	out, err := build.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == notInThisClone {
		t.Skip(messages.String())
	}
	require.NoError(t, err, messages.String())
	folder := strings.TrimSpace(string(out))
	return version{name: "previous", program: filepath.Join(folder, "crmkeep"), sources: filepath.Join(folder, "sources")}
}

// current is the version that is tested.
func current(t *testing.T) version {
	t.Helper()
	v := version{name: "current", program: filepath.Join(t.TempDir(), "crmkeep"), sources: apitest.File(".")}
	require.NoError(t, operator.Build(v.program))
	return v
}
