// Package await has tests wait for what must come about, and say what is missing when it does not.
package await

import (
	"testing"
	"time"
)

// Dozens of tests wait at once, and what they ask has to bear it: so they look often at first and ever less, and learn of what took long
// at most a tenth of that time later.
const (
	shortest = 20 * time.Millisecond
	longest  = 200 * time.Millisecond
)

// Until waits for a condition that gives no error any more, and ends the test with the last error when patience is over.
func Until(t testing.TB, patience time.Duration, what string, condition func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := condition()
		if err == nil {
			return
		}
		waited := time.Since(began)
		if waited >= patience || t.Context().Err() != nil {
			t.Fatalf("waiting until %s: %v", what, err)
		}
		select {
		case <-time.After(min(max(waited/10, shortest), longest)):
		case <-t.Context().Done():
		}
	}
}
