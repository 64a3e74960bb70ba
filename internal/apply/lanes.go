package apply

import (
	"context"
	"slices"
	"sync"
)

// lanes bound the writes that each tenant has under way at once, over all its passes. A tenant that has several environments worked on
// gives way to one that has a single one worked on: it has fewer writes under way for as long. So who declares hundreds of environments
// does not take the API server's attention from who declares one.
type lanes struct {
	// width is how many writes a tenant has under way at most, and narrow how many while it gives way.
	width, narrow int

	mu   sync.Mutex
	used map[string]*lane
}

// lane is a tenant's. It is there while an environment is worked on, or somebody writes or waits for it.
type lane struct {
	passes  int
	writing int
	// waiting are closed when it is their turn.
	waiting []chan struct{}
}

func newLanes(width, narrow int) *lanes {
	return &lanes{width: width, narrow: narrow, used: make(map[string]*lane)}
}

// begin tells that a tenant's environment is worked on until end is called.
func (l *lanes) begin(tenant string) (end func()) {
	l.change(tenant, func(mine *lane) { mine.passes++ })
	return func() { l.change(tenant, func(mine *lane) { mine.passes-- }) }
}

// enter waits until the tenant may write once more. Leave must be called when that is done, and is nil after an error.
func (l *lanes) enter(ctx context.Context, tenant string) (leave func(), err error) {
	turn := make(chan struct{})
	l.change(tenant, func(mine *lane) { mine.waiting = append(mine.waiting, turn) })
	leave = func() { l.change(tenant, func(mine *lane) { mine.writing-- }) }
	select {
	case <-turn:
		return leave, nil
	case <-ctx.Done():
		l.change(tenant, func(mine *lane) {
			if i := slices.Index(mine.waiting, turn); i >= 0 {
				mine.waiting = slices.Delete(mine.waiting, i, i+1)
			} else {
				mine.writing-- // Its turn has come at the same moment.
			}
		})
		return nil, ctx.Err()
	}
}

// change a tenant's lane, and let write who may after that.
func (l *lanes) change(tenant string, change func(*lane)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := l.used[tenant]
	if mine == nil {
		mine = &lane{}
		l.used[tenant] = mine
	}
	change(mine)
	if mine.passes == 0 && mine.writing == 0 && len(mine.waiting) == 0 {
		delete(l.used, tenant)
	}
	l.admit()
}

func (l *lanes) admit() {
	single := false
	for _, tenant := range l.used {
		single = single || tenant.passes == 1
	}
	for _, tenant := range l.used {
		width := l.width
		if single && tenant.passes > 1 {
			width = l.narrow
		}
		for tenant.writing < width && len(tenant.waiting) > 0 {
			close(tenant.waiting[0])
			tenant.waiting = tenant.waiting[1:]
			tenant.writing++
		}
	}
}
