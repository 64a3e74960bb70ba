package controllers

import (
	"sync"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// turns is the order of work in which tenants take turns, so that one that declares hundreds of environments delays another's by one
// pass at most. Within a tenant what came first is served first. A tenant never has all workers, so another one's first pass begins at
// once. Everything else about the queue, such as that an environment is in it once and worked on by one worker at a time, is
// workqueue's own, which also guards this type against concurrent calls other than done.
type turns struct {
	// share is how many of a tenant's environments are worked on at once at most.
	share int
	// waiting holds what each tenant's home namespace waits for; those without anything are not in it.
	waiting map[string][]reconcile.Request
	// order holds the namespaces in waiting, the next one first.
	order []string

	mu sync.Mutex
	// working counts the passes under way by home namespace; those without one are not in it.
	working map[string]int
}

var _ workqueue.Queue[reconcile.Request] = (*turns)(nil)

// turnsQueue tells turns of each pass that has ended.
type turnsQueue struct {
	workqueue.TypedInterface[reconcile.Request]
	turns *turns
}

func newTurns(share int) *turns {
	return &turns{share: share, waiting: make(map[string][]reconcile.Request), working: make(map[string]int)}
}

// newTurnsQueue makes a controller's queue; it fits controller.Options.NewQueue.
func newTurnsQueue(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	t := newTurns(tenantConcurrency)
	queue := turnsQueue{turns: t, TypedInterface: workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Queue: t})}
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		Name:          name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Queue: queue}),
	})
}

// Done also gives a tenant's place back. The worker that calls it asks for more right after, so nobody else need be woken.
func (q turnsQueue) Done(r reconcile.Request) {
	q.turns.done(r.Namespace)
	q.TypedInterface.Done(r)
}

// Push appends to the tenant's own queue.
func (t *turns) Push(r reconcile.Request) {
	if len(t.waiting[r.Namespace]) == 0 {
		t.order = append(t.order, r.Namespace)
	}
	t.waiting[r.Namespace] = append(t.waiting[r.Namespace], r)
}

// Pop takes from the tenant whose turn it is, and lets it queue again behind the others if it has more. A tenant that has its share of the workers
// keeps its place.
func (t *turns) Pop() reconcile.Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := 0
	for at < len(t.order)-1 && t.working[t.order[at]] >= t.share {
		at++
	}
	tenant := t.order[at]
	t.order = append(t.order[:at:at], t.order[at+1:]...)
	first, rest := t.waiting[tenant][0], t.waiting[tenant][1:]
	if len(rest) == 0 {
		delete(t.waiting, tenant)
	} else {
		t.waiting[tenant] = rest
		t.order = append(t.order, tenant)
	}
	t.working[tenant]++
	return first
}

// Len counts what a worker can take now: what waits of tenants that do not have their share of the workers.
func (t *turns) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	count := 0
	for tenant, waiting := range t.waiting {
		count += min(len(waiting), max(t.share-t.working[tenant], 0))
	}
	return count
}

// Touch does nothing: asking again for what waits already gives it no better place.
func (t *turns) Touch(reconcile.Request) {}

func (t *turns) done(tenant string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.working[tenant]--; t.working[tenant] == 0 {
		delete(t.working, tenant)
	}
}
