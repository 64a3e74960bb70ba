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

// writers have so many writes of a second each done, and count how many are under way.
type writers struct {
	group     sync.WaitGroup
	mu        sync.Mutex
	now, most int
}

func (w *writers) write(t *testing.T, l *lanes, tenant string, writes int) {
	t.Helper()
	for range writes {
		w.group.Go(func() {
			leave, err := l.enter(t.Context(), tenant)
			if assert.NoError(t, err) {
				w.count(1)
				time.Sleep(time.Second) //nolint:forbidigo // the clock of synctest
				w.count(-1)
				leave()
			}
		})
	}
}

func (w *writers) count(by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now += by
	w.most = max(w.most, w.now)
}

func TestATenantsPassesTogetherHaveSoManyWritesUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(3, 1)
		var crowd writers
		crowd.write(t, l, "crowd", 50)
		synctest.Wait()
		began := time.Now()
		leave, err := l.enter(t.Context(), "guest")
		require.NoError(t, err)
		assert.Zero(t, time.Since(began), "another tenant does not wait")
		leave()
		crowd.group.Wait()
		assert.Equal(t, 3, crowd.most)
		assert.Empty(t, l.used, "who has left leaves nothing behind")
	})
}

func TestATenantOfManyEnvironmentsGivesWayToOneOfASingleOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(4, 1)
		var passes []func()
		for range 5 {
			passes = append(passes, l.begin("crowd"))
		}
		var crowd writers
		crowd.write(t, l, "crowd", 40)
		synctest.Wait()
		assert.Equal(t, 4, crowd.now)

		end := l.begin("guest")
		time.Sleep(1500 * time.Millisecond) //nolint:forbidigo // the clock of synctest
		assert.Equal(t, 1, crowd.now, "while the guest's environment is worked on, whether or not it writes just then")
		var guest writers
		guest.write(t, l, "guest", 4)
		synctest.Wait()
		assert.Equal(t, 4, guest.now, "it does not give way itself")
		guest.group.Wait()
		end()
		synctest.Wait()
		assert.Equal(t, 4, crowd.now, "at once, when it is done")

		crowd.group.Wait()
		for _, end := range passes {
			end()
		}
		assert.Empty(t, l.used, "who has left leaves nothing behind")
	})
}

func TestTwoCrowdsDoNotGiveWayToEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(4, 1)
		var crowds [2]writers
		for i, tenant := range []string{"one", "other"} {
			defer l.begin(tenant)()
			defer l.begin(tenant)()
			crowds[i].write(t, l, tenant, 20)
		}
		synctest.Wait()
		assert.Equal(t, 4, crowds[0].now)
		assert.Equal(t, 4, crowds[1].now)
		crowds[0].group.Wait()
		crowds[1].group.Wait()
	})
}

func TestWhoWaitsToWriteGivesUpWithItsContext(t *testing.T) {
	l := newLanes(1, 1)
	leave, err := l.enter(t.Context(), "acme")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = l.enter(ctx, "acme")
	require.ErrorIs(t, err, context.Canceled)
	leave()
	assert.Empty(t, l.used)
}
