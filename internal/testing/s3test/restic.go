package s3test

import (
	"os"
	"path/filepath"
	"testing"

	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// ResticEnv names the environment variable with the path of restic, a program of that name; hack/tools builds it.
const ResticEnv = "CRMKEEP_RESTIC_BINARY"

// Restic puts restic before everything else on the test's PATH. Without ResticEnv it skips the test.
func Restic(t testing.TB) {
	t.Helper()
	program := need.Env(t, ResticEnv, "restic, built by hack/tools")
	t.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
}
