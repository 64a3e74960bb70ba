// Package await has tests wait for what must come about, and say what is missing when it does not.
package await

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// lookEvery is how long to wait between two looks: soon enough for what takes seconds, and next to nothing for who is asked.
const lookEvery = 50 * time.Millisecond

// Until waits for a condition that gives no error any more, and ends the test with the last error when patience is over.
func Until(t testing.TB, patience time.Duration, what string, condition func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), lookEvery, patience, true, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, last)
	}
}
