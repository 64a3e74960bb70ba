package controllers

import (
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// turns is the order of work in which tenants take turns, so that one that declares hundreds of environments delays another's by one
// pass at most. Within a tenant what came first is served first. Everything else about the queue, such as that an environment is in
// it once and worked on by one worker at a time, is workqueue's own, which also guards this type against concurrent calls.
type turns struct {
	// waiting holds what each tenant's home namespace waits for; those without anything are not in it.
	waiting map[string][]reconcile.Request
	// order holds the namespaces in waiting, the next one first.
	order []string
	count int
}

var _ workqueue.Queue[reconcile.Request] = (*turns)(nil)

// newTurns makes a controller's queue; it fits controller.Options.NewQueue.
func newTurns(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	queue := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{
		Name: name, Queue: &turns{waiting: make(map[string][]reconcile.Request)},
	})
	return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
		Name:          name,
		DelayingQueue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Queue: queue}),
	})
}

// Push appends to the tenant's own queue.
func (t *turns) Push(r reconcile.Request) {
	if len(t.waiting[r.Namespace]) == 0 {
		t.order = append(t.order, r.Namespace)
	}
	t.waiting[r.Namespace] = append(t.waiting[r.Namespace], r)
	t.count++
}

// Pop takes from the tenant whose turn it is, and lets it queue again behind the others if it has more.
func (t *turns) Pop() reconcile.Request {
	tenant := t.order[0]
	t.order = t.order[1:]
	first, rest := t.waiting[tenant][0], t.waiting[tenant][1:]
	if len(rest) == 0 {
		delete(t.waiting, tenant)
	} else {
		t.waiting[tenant] = rest
		t.order = append(t.order, tenant)
	}
	t.count--
	return first
}

// Len counts all that waits.
func (t *turns) Len() int { return t.count }

// Touch does nothing: asking again for what waits already gives it no better place.
func (t *turns) Touch(reconcile.Request) {}
