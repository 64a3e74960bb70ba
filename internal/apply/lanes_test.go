package apply

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestATenantsPassesTogetherHaveSoManyWritesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(3)
		var mu sync.Mutex
		now, most := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			now += by
			most = max(most, now)
		}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				leave, err := l.enter(t.Context(), "crowd")
				if assert.NoError(t, err) {
					count(1)
					time.Sleep(time.Second) //nolint:forbidigo // the clock of synctest
					count(-1)
					leave()
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		leave, err := l.enter(t.Context(), "guest")
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "another tenant does not wait")
		leave()
		group.Wait()
		assert.Equal(t, 3, most)
		assert.Empty(t, l.used, "who has left leaves nothing behind")
	})
}

func TestWhoWaitsToWriteGivesUpWithItsContext(t *testing.T) {
	l := newLanes(1)
	leave, err := l.enter(t.Context(), "acme")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.enter(ctx, "acme")
	require.ErrorIs(t, err, context.Canceled)
	leave()
	assert.Empty(t, l.used)
}
