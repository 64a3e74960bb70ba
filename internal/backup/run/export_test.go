package run

import (
	"testing"
	"time"
)

// SetPatience for the length of a test.
func SetPatience(t testing.TB, d time.Duration) {
	t.Helper()
	before := patience
	patience = d
	t.Cleanup(func() { patience = before })
}
