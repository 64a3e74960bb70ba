package docs

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/tutorial"
)

// That they do as the page says is shown on a cluster, in test/e2e.
func TestTheTutorialsCommandsAreAScriptForBash(t *testing.T) {
	page, err := tutorial.Parse(read(t, "docs/tutorial/first-tenant.md"))
	require.NoError(t, err)
	require.NotEmpty(t, page.Steps)
	bash := exec.Command("bash", "-n")
	bash.Stdin = strings.NewReader(page.Script())
	out, err := bash.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
