package observe

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// discoverEvery is how often the cluster is asked again for a kind that it did not have. Asking is a request, and the RESTMapper
// makes it each time.
const discoverEvery = 5 * time.Minute

// discovered remembers whether the cluster has a kind. One that it has stays.
type discovered struct {
	mu    sync.Mutex
	has   bool
	asked time.Time
}

func (d *discovered) in(mapper meta.RESTMapper, kind schema.GroupKind, version string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.has || !d.asked.IsZero() && now.Sub(d.asked) < discoverEvery {
		return d.has
	}
	_, err := mapper.RESTMapping(kind, version)
	d.has, d.asked = err == nil, now
	return d.has
}
