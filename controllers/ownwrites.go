package controllers

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxOwnWrites bounds the memory of ownWrites to about 1 MB. Forgetting all of it when it is full needs no bookkeeping.
const maxOwnWrites = 10_000

// ownWrites remembers the version that this process last wrote of an object, until the cache shows it. A pass that sees an older one may
// find that nothing has to be written when it would take back what the last pass has.
type ownWrites struct {
	mu       sync.Mutex
	versions map[types.UID]string
}

func newOwnWrites() *ownWrites { return &ownWrites{versions: map[types.UID]string{}} }

func (w *ownWrites) add(o client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.versions) >= maxOwnWrites {
		clear(w.versions)
	}
	w.versions[o.GetUID()] = o.GetResourceVersion()
}

// seen tells whether o is as new as what was written.
func (w *ownWrites) seen(o client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	written, ok := w.versions[o.GetUID()]
	if !ok {
		return true
	}
	if order, err := resourceversion.CompareResourceVersion(o.GetResourceVersion(), written); err == nil && order < 0 {
		return false
	}
	delete(w.versions, o.GetUID())
	return true
}
