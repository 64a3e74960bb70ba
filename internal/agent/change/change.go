// Package change helps to say a thing once: a state that lasts for an hour is one line in the log, not a thousand.
package change

import "sync"

// Tracker remembers the last state that it was told. The zero value remembers the empty state. It is safe for concurrent use.
type Tracker struct {
	mu    sync.Mutex
	state string
}

// To records state and reports whether it differs from the one before.
func (t *Tracker) To(state string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed := t.state != state
	t.state = state
	return changed
}
