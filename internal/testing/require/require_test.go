package require_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crmkeep/crmkeep/internal/testing/require"
)

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.ended = "skipped: " + fmt.Sprintf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.ended = "failed: " + fmt.Sprintf(format, args...)
}

func TestATestThatLacksSomethingIsSkipped(t *testing.T) {
	t.Setenv(require.AllEnv, "")
	r := &recorder{TB: t}
	require.Env(r, "CRMKEEP_NO_SUCH_VARIABLE", "a thing")
	if want := "skipped: needs a thing: set CRMKEEP_NO_SUCH_VARIABLE"; r.ended != want {
		t.Errorf("got %q, want %q", r.ended, want)
	}
}

func TestATestThatLacksSomethingFailsWhenAllIsRequired(t *testing.T) {
	t.Setenv(require.AllEnv, "1")
	r := &recorder{TB: t}
	require.Program(r, "crmkeep-no-such-program")
	if !strings.HasPrefix(r.ended, "failed: needs the program crmkeep-no-such-program") {
		t.Errorf("got %q", r.ended)
	}
}

func TestATestThatHasWhatItNeedsGoesOn(t *testing.T) {
	t.Setenv("CRMKEEP_SUCH_A_VARIABLE", "value")
	r := &recorder{TB: t}
	if got := require.Env(r, "CRMKEEP_SUCH_A_VARIABLE", "a thing"); got != "value" || r.ended != "" {
		t.Errorf("got %q, %s", got, r.ended)
	}
}
