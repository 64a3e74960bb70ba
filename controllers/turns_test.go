package controllers

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func limiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry)
}

func asked(tenant string, number int) reconcile.Request {
	return request("crm-"+tenant, "env-"+strconv.Itoa(number))[0]
}

func TestATenantThatComesLateIsServedBeforeTheRestOfACrowd(t *testing.T) {
	queue := newTurnsQueue("", limiter())
	defer queue.ShutDown()
	for i := range 500 {
		queue.Add(asked("crowd", i))
	}
	queue.Add(asked("late", 0))
	queue.Add(asked("later", 0))

	var served []reconcile.Request
	for range 4 {
		next, _ := queue.Get()
		served = append(served, next)
	}
	assert.Equal(t, []reconcile.Request{asked("crowd", 0), asked("late", 0), asked("later", 0), asked("crowd", 1)}, served)
}

func TestATenantNeverHasAllWorkers(t *testing.T) {
	queue := newTurnsQueue("", limiter())
	defer queue.ShutDown()
	for i := range 20 {
		queue.Add(asked("crowd", i))
	}
	for range tenantConcurrency {
		queue.Get()
	}
	assert.Zero(t, queue.Len(), "what waits is not a worker's to take")
	queue.Add(asked("late", 0))
	r, _ := queue.Get()
	assert.Equal(t, asked("late", 0), r)
	queue.Done(asked("crowd", 3))
	r, _ = queue.Get()
	assert.Equal(t, asked("crowd", tenantConcurrency), r, "in its order, when another pass has ended")
}

// Whatever is asked for in whatever order: nothing is lost, nothing is made up, tenants take turns, and each is served in its order.
func TestTenantsTakeTurnsUntilNothingIsLeft(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		queue := newTurns(1000)
		left := make(map[string][]reconcile.Request)
		number, lastServed := 0, make(map[string]int)
		for step := 1; step < 400 || queue.Len() > 0; step++ {
			if step < 400 && random.IntN(2) == 0 {
				tenant := strconv.Itoa(random.IntN(5))
				r := asked(tenant, number)
				number++
				queue.Push(r)
				if len(left[r.Namespace]) == 0 {
					lastServed[r.Namespace] = step // Whoever had nothing waiting queues behind the others.
				}
				left[r.Namespace] = append(left[r.Namespace], r)
				continue
			}
			if queue.Len() == 0 {
				continue
			}
			r := queue.Pop()
			require.NotEmpty(t, left[r.Namespace], "seed %d: nobody asked for %s", seed, r)
			require.Equal(t, left[r.Namespace][0], r, "seed %d: a tenant is served in its own order", seed)
			for other, waiting := range left {
				if len(waiting) > 0 {
					require.LessOrEqual(t, lastServed[r.Namespace], lastServed[other], "seed %d: %s was served out of turn", seed, r.Namespace)
				}
			}
			lastServed[r.Namespace] = step
			left[r.Namespace] = left[r.Namespace][1:]
		}
		for tenant, waiting := range left {
			require.Empty(t, waiting, "seed %d: lost of %s", seed, tenant)
		}
		require.Empty(t, queue.waiting)
		require.Empty(t, queue.order)
	}
}

func TestAnEnvironmentIsWorkedOnByOneWorkerAtATimeAndNotForgotten(t *testing.T) {
	queue := newTurnsQueue("", limiter())
	const environments, workers, rounds = 7, 4, 200
	var busy [environments]atomic.Int32
	var passes [environments]atomic.Int32
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				r, end := queue.Get()
				if end {
					return
				}
				i, err := strconv.Atoi(r.Name[len("env-"):])
				assert.NoError(t, err)
				assert.EqualValues(t, 1, busy[i].Add(1), "two workers at once")
				passes[i].Add(1)
				busy[i].Add(-1)
				queue.Done(r)
			}
		})
	}
	for round := range rounds {
		number := round % environments
		queue.Add(asked(strconv.Itoa(number%3), number))
	}
	queue.ShutDownWithDrain()
	group.Wait()
	for i := range passes {
		assert.Positive(t, passes[i].Load(), "environment %d was never served", i)
	}
}

func TestWhatIsAskedForLaterComesWhenItsTimeHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newTurnsQueue("", limiter())
		began := time.Now()
		queue.AddAfter(asked("acme", 1), time.Minute)
		queue.AddAfter(asked("acme", 2), time.Second)
		for _, want := range []struct {
			number int
			after  time.Duration
		}{{2, time.Second}, {1, time.Minute}} {
			r, _ := queue.Get()
			assert.Equal(t, asked("acme", want.number), r)
			assert.Equal(t, want.after, time.Since(began))
			queue.Done(r)
		}
		queue.ShutDown()
	})
}
