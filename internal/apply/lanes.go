package apply

import (
	"context"
	"sync"
)

// lanes give each tenant a number of writes that may be under way at once, over all its passes. So a tenant that declares hundreds of
// environments does not take the API server's attention from another tenant's one.
type lanes struct {
	width int

	mu   sync.Mutex
	used map[string]*lane
}

// lane is there while somebody is in it or waits for it.
type lane struct {
	writes chan struct{}
	users  int
}

func newLanes(width int) *lanes { return &lanes{width: width, used: make(map[string]*lane)} }

// enter waits until the tenant may write once more. Leave must be called when that is done, and is nil after an error.
func (l *lanes) enter(ctx context.Context, tenant string) (leave func(), err error) {
	mine := l.join(tenant)
	select {
	case mine.writes <- struct{}{}:
		return func() {
			<-mine.writes
			l.part(tenant)
		}, nil
	case <-ctx.Done():
		l.part(tenant)
		return nil, ctx.Err()
	}
}

func (l *lanes) join(tenant string) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used[tenant] == nil {
		l.used[tenant] = &lane{writes: make(chan struct{}, l.width)}
	}
	l.used[tenant].users++
	return l.used[tenant]
}

func (l *lanes) part(tenant string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used[tenant].users--; l.used[tenant].users == 0 {
		delete(l.used, tenant)
	}
}
