// Package require says what a test needs that is more than Go: programs, servers, a cluster. Where they are not there, the test
// is skipped, so that `go test ./...` passes on any machine; where CRMKEEP_REQUIRE_ALL is set, as by `make test`, it fails, so
// that no test is skipped unseen.
package require

import (
	"os"
	"os/exec"
	"testing"
)

// AllEnv names the variable that makes a missing need a failure. Any value but the empty one counts.
const AllEnv = "CRMKEEP_REQUIRE_ALL"

// Env gives the value of an environment variable that a test needs; need says what for.
func Env(t testing.TB, name, need string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		Missing(t, "needs %s: set %s", need, name)
	}
	return value
}

// Program gives the path of a program that a test needs.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, "needs the program %s: %v", name, err)
	}
	return path
}

// Missing ends a test that cannot run here.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(AllEnv) == "" {
		t.Skipf(format, args...)
	} else {
		t.Fatalf(format, args...)
	}
}
