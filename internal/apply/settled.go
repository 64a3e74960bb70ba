package apply

import (
	"crypto/sha256"
	"strings"
	"sync"
)

// maxSettled bounds the memory of settled to about 10 MB, 100,000 objects.
const maxSettled = 100_000

// settled remembers which version of which object was found to hold which declaration, so that a pass compares only what has
// changed since. It keeps fingerprints: 32 bytes an object, where the names alone would take more.
type settled struct {
	mu    sync.Mutex
	known map[fingerprint]fingerprint
}

type fingerprint [sha256.Size / 2]byte

func newSettled() *settled { return &settled{known: map[fingerprint]fingerprint{}} }

// has tells whether this version of the object was found to hold the declaration.
func (s *settled) has(d *declaration, resourceVersion string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[keyOf(d)] == versionOf(d, resourceVersion)
}

// add replaces what was known of the object. Forgetting all when full costs one comparison per object and needs no bookkeeping.
func (s *settled) add(d *declaration, resourceVersion string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSettled {
		clear(s.known)
	}
	s.known[keyOf(d)] = versionOf(d, resourceVersion)
}

func keyOf(d *declaration) fingerprint {
	return fingerprintOf(d.ref.Group, d.ref.Kind, d.ref.Namespace, d.ref.Name)
}

func versionOf(d *declaration, resourceVersion string) fingerprint {
	return fingerprintOf(d.hash, resourceVersion)
}

func fingerprintOf(parts ...string) fingerprint {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fingerprint(sum[:len(fingerprint{})])
}
