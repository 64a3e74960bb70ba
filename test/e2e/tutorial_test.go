//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/tutorial"
)

// globex is the tutorial's tenant.
const globex = "globex"

func TestTheTutorialsCommandsDoWhatThePageSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(c.repo, "docs/tutorial/first-tenant.md"))
	require.NoError(t, err)
	page, err := tutorial.Parse(string(text))
	require.NoError(t, err)
	folder := repositoryOfAReader(t)
	for name, content := range page.Files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	removeGlobex(t) // what a run that was broken off has left
	goes(t, &v1alpha1.CRMTenant{ObjectMeta: metav1.ObjectMeta{Name: globex}})
	t.Cleanup(func() { removeGlobex(t) })

	printed, err := typed(t, folder, page.Script())
	require.NoError(t, err, printed)
	require.NoError(t, page.Check(printed))
}

// repositoryOfAReader is a folder with all that the repository has, in which a page's commands can write files.
func repositoryOfAReader(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	entries, err := os.ReadDir(c.repo)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() != ".git" && entry.Name() != ".local" {
			require.NoError(t, os.Symlink(filepath.Join(c.repo, entry.Name()), filepath.Join(folder, entry.Name())))
		}
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, ".local"), 0o700))
	require.NoError(t, os.Symlink(filepath.Dir(c.kubeconfig), filepath.Join(folder, ".local/node")))
	return folder
}

// typed gives what a script prints in a folder, with its errors in between.
func typed(t *testing.T, folder, script string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patient)
	defer cancel()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer func() { _ = out.Close() }()
	command := exec.CommandContext(ctx, "bash", "-c", script)
	command.Dir, command.Stdout, command.Stderr = folder, out, out
	// What it has started ends with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	failure := command.Run()
	printed, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	return string(printed), failure
}

// removeGlobex removes what the tutorial declares, wherever it has ended. Of a run that has come to its end the certificate stays.
func removeGlobex(t *testing.T) {
	removeTenant(t, globex)
	approvers := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "approvers", Namespace: naming.HomeNamespace(globex)}}
	if err := c.Delete(context.WithoutCancel(t.Context()), approvers); client.IgnoreNotFound(err) != nil {
		t.Errorf("removing %s: %v", approvers.Name, err)
	}
}
