package faults

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
)

// counts tells whether a write leads to something. Events tell of a write that has succeeded, and leases are renewed all the time.
func counts(r faultproxy.Request) bool {
	return r.IsWrite() && !strings.HasSuffix(r.Path, "/events") && !strings.Contains(r.Path, "/leases")
}

// again is after how many more writes a manager is killed once more in a stage of the full form. So that many lives are enough to try
// every write of a stage, however many it takes.
const again = 20

// killedAtAnyWriteGoesOn lives whole lives, and in each stage kills the manager at another write than in the lives before. That the stage
// then ends as it does undisturbed makes each stage's kills a test of their own.
func killedAtAnyWriteGoesOn(t *testing.T, w *world, expected reference) {
	m := w.start(t)
	here, err := chosen()
	require.NoError(t, err)
	tokens := len(w.vaultList(t, "auth/token/accessors", ""))
	points, err := ofPart(sample(again, 1))
	require.NoError(t, err)
	tried := 0
	for name, after := range deaths() {
		for _, point := range points {
			var killed int
			m, killed = w.liveWithKills(t, m, expected, kills{point: point, after: after, here: here})
			tried += killed
			t.Logf("point %d, %s: killed %d times, %d so far", point, name, killed, tried)
		}
	}
	t.Logf("the manager was killed at %d points", tried)
	assert.Len(t, w.vaultList(t, "auth/token/accessors", ""), tokens, "the operator's logins leave no token behind")
}

// deaths tell of a stage whether the manager dies after a write was done, or before. The short form has both in one life, and turns them
// round from day to day.
func deaths() map[string]func(stage int) bool {
	if *full {
		return map[string]func(int) bool{
			"before the write": func(int) bool { return false },
			"after the write":  func(int) bool { return true },
		}
	}
	day := time.Now().YearDay()
	return map[string]func(int) bool{"before and after by turns": func(stage int) bool { return (stage+day)%2 == 0 }}
}

// kills are where a manager dies in a life.
type kills struct {
	// point is the number, from 0, of the write that it dies at in each stage. It survives a stage that has fewer.
	point int
	// after tells of a stage's number whether it dies after that write was done, or before.
	after func(stage int) bool
	// here tells whether it dies in a stage at all.
	here func(stage) bool
}

// liveWithKills gives the manager that runs in the end, and how many were killed.
func (w *world) liveWithKills(t *testing.T, m *operator.Manager, expected reference, k kills) (*operator.Manager, int) {
	t.Helper()
	all := 0
	w.live(t, expected, func(i int, s stage) *operator.Manager {
		if !k.here(s) {
			w.pass(t, s)
			return m
		}
		n := k.point
		if !*full {
			n %= expected.writes[i]
		}
		var killed int
		m, killed = w.passWithKills(t, m, s, n, k.after(i))
		all += killed
		return m
	})
	return m, all
}

// passWithKills lives through a stage and kills the manager at the stage's n-th write; in the full form the next one, too, and so on. It
// gives the one that survives, and how many did not.
func (w *world) passWithKills(t *testing.T, m *operator.Manager, s stage, n int, after bool) (survivor *operator.Manager, killed int) {
	t.Helper()
	death := w.killAt(m, n, after)
	s.begin(t, w)
	for {
		rests := operator.Quiet(m)
		dead := false
		w.until(t, fmt.Sprintf("%s, after %d kills, with one at write %d", s.name, killed, n), func() error {
			select {
			case <-death:
				dead = true
				return nil
			default:
				return errors.Join(s.done(t, w), m.Works(), rests())
			}
		})
		if !dead {
			w.use(nil)
			return m, killed
		}
		killed++
		m = w.launch(t)
		if death = w.killAt(m, again-1, after); !*full {
			w.use(nil)
		}
	}
}

// killAt kills a manager when its next n writes have passed: before or after one more. The channel is closed when it is dead.
func (w *world) killAt(m *operator.Manager, n int, after bool) <-chan struct{} {
	death := make(chan struct{})
	left := make(chan int, 1)
	left <- n
	kill := func() {
		m.Kill()
		close(death)
	}
	w.use(func(r faultproxy.Request) faultproxy.Fault {
		if !counts(r) {
			return faultproxy.Fault{}
		}
		now := <-left
		left <- now - 1
		switch {
		case now > 0:
			return faultproxy.Fault{}
		case now < 0:
			return faultproxy.Fault{LoseRequest: true} // Of a process that is as good as dead.
		case after:
			return faultproxy.Fault{After: kill, LoseAnswer: true}
		}
		return faultproxy.Fault{Before: kill, LoseRequest: true}
	})
	return death
}
