package agent

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstRetry = 250 * time.Millisecond
	// lastRetry bounds how long after Vault came back a pod can still wait.
	lastRetry = 15 * time.Second
)

// backoff waits longer each time, never the same time in two pods.
type backoff struct{ next time.Duration }

// wait returns false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	b.next = min(max(2*b.next, firstRetry), lastRetry)
	return sleep(ctx, b.next/2+rand.N(b.next/2)) //nolint:gosec // spreads load, guards nothing
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
