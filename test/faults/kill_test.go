package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
)

// counts tells whether a write leads to something. Events tell of a write that has succeeded, and leases are renewed all the time.
func counts(r faultproxy.Request) bool {
	return r.IsWrite() && !strings.HasSuffix(r.Path, "/events") && !strings.Contains(r.Path, "/leases")
}

// killedAtAnyWriteGoesOn lives a whole life for each point, and in each stage of it kills the manager at another write. That the stage
// then ends as it does undisturbed makes each stage's kill a test of its own.
func killedAtAnyWriteGoesOn(t *testing.T, w *world, expected reference) {
	m := w.start(t)
	lives := slices.Max(expected.writes)
	tokens := len(w.vaultList(t, "auth/token/accessors", ""))
	tried := 0
	const wanted = 1
	points, err := ofPart(sample(lives, wanted))
	require.NoError(t, err)
	for name, after := range deaths() {
		for _, point := range points {
			var killed int
			m, killed = w.liveWithKills(t, m, expected, point, after)
			tried += killed
			t.Logf("point %d, %s: killed in %d stages, %d points so far", point, name, killed, tried)
		}
	}
	t.Logf("the manager was killed at %d of %d points", tried, 2*sum(expected.writes))
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

// liveWithKills gives the manager that runs in the end.
func (w *world) liveWithKills(t *testing.T, m *manager, expected reference, point int, after func(stage int) bool) (*manager, int) {
	t.Helper()
	killed := 0
	w.live(t, expected, func(i int, s stage) *manager {
		n := point
		if !*full {
			n %= expected.writes[i]
		}
		death := w.killAt(m, n, after(i))
		s.begin(t, w)
		rests := quiet(m)
		w.until(t, s.name, func() error {
			select {
			case <-death:
				return nil
			default:
				return errors.Join(s.done(t, w), rests())
			}
		})
		w.use(nil)
		select {
		case <-death:
			killed++
			m = w.start(t)
			w.until(t, fmt.Sprintf("%s, after a kill at write %d", s.name, n), func() error { return s.done(t, w) })
		default:
		}
		return m
	})
	return m, killed
}

// killAt kills a manager when its next n writes have passed: before or after one more. The channel is closed when it is dead.
func (w *world) killAt(m *manager, n int, after bool) <-chan struct{} {
	death := make(chan struct{})
	left := make(chan int, 1)
	left <- n
	kill := func() {
		m.kill()
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

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}
