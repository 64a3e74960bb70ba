package faults

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

const (
	day    = 24 * time.Hour
	hourly = "hourly"
	// trial is a sandbox that lives for halfADay, and doomed an environment that was deleted and is held for as long before it is shredded.
	trial, doomed = "trial", "doomed"
	halfADay      = day / 2
)

// aClockThatStepsLosesAndRepeatsNothing sets the clocks forward and back while environments run, a backup is due every hour, a sandbox has
// an end and a shred is held.
func aClockThatStepsLosesAndRepeatsNothing(t *testing.T, w *world) {
	c := withClocks(t, w)
	c.populate(t)
	for _, part := range []struct {
		sentence string
		tell     func(t, whole *testing.T, c *clocks)
	}{
		{"a step of the manager's clock calls for no write", theManagersClockStepsAlone},
		{"certificates that look expired keep the manager out, and nothing is lost meanwhile", certificatesLookExpired},
		{"nothing is destroyed by time while clocks disagree", clocksDisagree},
		{"a step of all clocks brings one backup and no other twice, and what has ended goes", allClocksStep},
	} {
		t.Run(part.sentence, func(step *testing.T) { part.tell(step, t, c) })
		if t.Failed() {
			return
		}
	}
}

func (c *clocks) populate(t *testing.T) {
	t.Helper()
	c.tenant(t, mortal)
	backups[0].begin(t, c.world)
	c.until(t, backups[0].name, func() error { return backups[0].done(t, c.world) })
	c.create(t, build.Environment(mortal, mortalName))
	c.create(t, build.Environment(mortal, trial, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.Purpose, e.Spec.TTLSeconds = v1alpha1.PurposeSandbox, build.Pointer(int64(halfADay.Seconds()))
	}))
	c.create(t, build.Environment(mortal, doomed, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.DeletionPolicy, e.Spec.Shred = v1alpha1.DeletionShred, &v1alpha1.ShredSpec{HoldSeconds: build.Pointer(int64(halfADay.Seconds()))}
	}))
	for _, name := range []string{mortalName, trial, doomed} {
		c.comesTo(t, mortal, name, "True Succeeded")
	}
	s := schedule()
	s.Name, s.Spec.Schedule = hourly, v1alpha1.CronExpression(fmt.Sprintf("%d * * * *", time.Now().Add(time.Hour/2).Minute()))
	s.Spec.Retention.Last = build.Pointer[int32](100)
	c.create(t, s)
	require.NoError(t, c.Delete(t.Context(), build.Environment(mortal, doomed)))
	c.comesTo(t, mortal, doomed, "Reconciling ShredHold")
	c.settle(t, c.running)
}

// backedUp plays the runs of the backups that the schedule has made, until all are complete.
func (c *clocks) backedUp(t *testing.T) {
	t.Helper()
	c.until(t, "what is backed up is complete", func() error {
		// The look into the repositories that is due every week.
		c.play(t, mortalName, "care."+hourly, result.Result{Locations: []result.Location{{Name: mortal}}})
		var errs []error
		for _, name := range c.made(t) {
			errs = append(errs, c.isBackedUp(t, name))
		}
		return errors.Join(errs...)
	})
}

// made are the backups of the schedule.
func (c *clocks) made(t *testing.T) []string {
	t.Helper()
	var list v1alpha1.CRMBackupList
	require.NoError(t, c.List(t.Context(), &list, client.InNamespace(naming.HomeNamespace(mortal)), client.MatchingLabels{naming.LabelSchedule: hourly}))
	var names []string
	for _, b := range list.Items {
		names = append(names, b.Name)
	}
	return names
}

func theManagersClockStepsAlone(t, whole *testing.T, c *clocks) {
	before := c.snapshot(t, mortal)
	c.api.Reset()
	for _, by := range []time.Duration{time.Hour, -time.Hour, day, -day, 400 * day, -400 * day, 400 * day, 0} {
		c.set(t, by, 0)
		c.again(t, whole)
		assert.Empty(t, c.changes(), "after a step by %s", by)
	}
	assert.Equal(t, before, c.snapshot(t, mortal))
}

// certificatesLookExpired goes past the end of those of the API server and of Vault. A manager that runs goes on with the connections that it
// has; one that starts cannot.
func certificatesLookExpired(t, whole *testing.T, c *clocks) {
	before := c.snapshot(t, mortal)
	c.api.Reset()
	c.set(t, 36500*day, 0)
	c.running.Kill()
	c.running = c.launch(whole)
	c.until(t, "the manager says why it does not work", func() error {
		if log := c.running.Log(); !strings.Contains(log, "certificate has expired or is not yet valid") {
			return fmt.Errorf("it says %q", log)
		}
		return nil
	})
	c.set(t, 0, 0)
	c.running = c.start(whole) // It has ended, and is started anew as by a kubelet.
	c.again(t, whole)
	assert.Empty(t, c.changes())
	assert.Equal(t, before, c.snapshot(t, mortal))
}

// clocksDisagree has the API server's clock pass the end of the sandbox and of the hold.
func clocksDisagree(t, whole *testing.T, c *clocks) {
	dataKey := c.dataKey(t, mortal, doomed)
	c.set(t, 0, day)
	c.look(t)
	c.running.Kill()
	c.running = c.start(whole)
	for _, name := range []string{trial, doomed} {
		env := c.comesTo(t, mortal, name, "Reconciling ClockSkewed")
		assert.Contains(t, message(env, v1alpha1.ConditionReady), "the manager's node is behind it")
	}
	c.comesTo(t, mortal, mortalName, "True Succeeded")
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, c.pods(t, mortal, trial), "what runs keeps running")
	assert.Equal(t, dataKey, c.dataKey(t, mortal, doomed))

	c.set(t, 0, 0)
	c.again(t, whole)
	c.comesTo(t, mortal, trial, "True Succeeded")
	c.comesTo(t, mortal, doomed, "Reconciling ShredHold")
	c.backedUp(t) // What was due by the API server's clock, which is the one that counts.
	c.settle(t, c.running)
}

func allClocksStep(t, whole *testing.T, c *clocks) {
	all := func(by time.Duration) {
		c.set(t, by, by)
		c.again(t, whole)
	}
	made := len(c.made(t))
	for _, step := range []struct {
		by time.Duration
		// due is how many runs the step makes due: the newest of those that it leaps over.
		due int
	}{{2 * day, 1}, {0, 0}, {-day, 0}, {-400 * day, 0}, {400 * day, 1}, {0, 0}, {400 * day, 0}, {0, 0}} {
		all(step.by)
		made += step.due
		require.Len(t, c.made(t), made, "after a step by %s", step.by)
		if step.by == 0 {
			c.backedUp(t) // Until then the object store refuses what is of another time.
			c.settle(t, c.running)
		}
		c.comesTo(t, mortal, mortalName, "True Succeeded")
	}
	c.gone(t, build.Environment(mortal, trial))
	c.gone(t, build.Environment(mortal, doomed))

	// The newest run is of the far future, and the next that is due does not wait for it.
	next := time.Now().Truncate(time.Hour).Add(2 * time.Hour)
	c.set(t, time.Until(next), time.Until(next))
	c.again(t, whole)
	assert.Len(t, c.made(t), made+1)
}
