package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var (
	up      = facts.Workload{Exists: true, Current: true, Wanted: 1, Replicas: 1, Ready: 1}
	stopped = facts.Workload{Exists: true, Current: true}
)

// A moment is what was seen, of an environment at version 1.0 unless it says otherwise, and what is to run then.
func TestWhatRunsNow(t *testing.T) {
	cases := map[string]struct {
		state    v1alpha1.EnvironmentState
		at       string
		wanted   string
		external bool
		seen     facts.Environment
		job      *facts.Job
		pull     *facts.Job
		want     workload.Run
	}{
		"nothing yet: the database comes first": {
			wanted: "1.0",
			want:   workload.Run{Absent: true, Stopped: true},
		},
		"a database that is up: the first migration": {
			wanted: "1.0", seen: facts.Environment{Database: up},
			want: workload.Run{Absent: true, Stopped: true, Migrate: true},
		},
		"an external database is not waited for": {
			wanted: "1.0", external: true,
			want: workload.Run{Absent: true, Stopped: true, Migrate: true},
		},
		"a migration that has begun stays while the database is away": {
			wanted: "1.0", job: &facts.Job{},
			want: workload.Run{Absent: true, Stopped: true, Migrate: true},
		},
		"migrated: the application starts": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{Database: up},
			want: workload.Run{},
		},
		"migrated, but the database is away: the application is not started": {
			at: "1.0", wanted: "1.0",
			want: workload.Run{Stopped: true},
		},
		"a running application outlives its database's absence": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{},
		},
		"another version: its image comes first, and everything runs on": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{Pull: true},
		},
		"another version, whose image cannot be had: everything runs on": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{},
			want: workload.Run{Pull: true},
		},
		"another version, whose image is awaited while the database is away: everything runs on": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{},
			want: workload.Run{Pull: true},
		},
		"another version, whose image was had: the application stops": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{Succeeded: true},
			want: workload.Run{Pull: true, Stopped: true},
		},
		"another version, and the stop has begun: nobody waits for its image any more": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": stopped, "queue": up}},
			want: workload.Run{Stopped: true},
		},
		"another version, whose migration has begun: nobody waits for its image any more": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}}, job: &facts.Job{},
			want: workload.Run{Stopped: true, Migrate: true},
		},
		"another version in quarantine: its image comes first there, too": {
			state: v1alpha1.StateQuarantined, at: "1.0", wanted: "2.0",
			seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{Pull: true},
		},
		"back to the old version before the image of the new one was had: nothing has changed": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{},
			want: workload.Run{},
		},
		"another version, and a pod takes its time to end: it still writes": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{
				Database: up, Components: map[string]facts.Workload{"web": stopped}, Pods: map[string]int{"web": 1}},
			want: workload.Run{Stopped: true},
		},
		"another version, and a scheduled run is not over": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Pods: map[string]int{"nightly": 1}},
			want: workload.Run{Stopped: true},
		},
		"another version, and nobody has seen yet that the application is to stop": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": {Exists: true}}},
			want: workload.Run{Stopped: true},
		},
		"another version and everything has stopped: the migration": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{
				Database: up, Components: map[string]facts.Workload{"web": stopped}, Pods: map[string]int{"database": 1}},
			pull: &facts.Job{Succeeded: true},
			want: workload.Run{Stopped: true, Migrate: true},
		},
		"another version while a cancelled migration still ends": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Pods: map[string]int{"migrate": 1}},
			want: workload.Run{Stopped: true},
		},
		"back to the old version while a cancelled migration still ends": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{
				Database: up, Components: map[string]facts.Workload{"web": stopped}, Pods: map[string]int{"migrate": 1}},
			want: workload.Run{Stopped: true},
		},
		"a backup is restored: the application stops": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{Database: up, Restoring: "back", Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{Stopped: true},
		},
		"a backup is restored, and another version is wanted: it waits": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Restoring: "back"},
			want: workload.Run{Stopped: true},
		},
		"another version, and a backup is made of this one": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Pods: map[string]int{"backup": 1}},
			want: workload.Run{Stopped: true},
		},
		"a backup is restored while another version's image is awaited: the application stops": {
			at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up, Restoring: "back", Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{},
			want: workload.Run{Stopped: true},
		},
		"suspended while another version's image is awaited": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "2.0",
			seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}}, pull: &facts.Job{},
			want: workload.Run{Stopped: true},
		},
		"suspended while a backup is made: the database outlives it": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "1.0", seen: facts.Environment{Database: up, Pods: map[string]int{"backup": 1}},
			want: workload.Run{Stopped: true},
		},
		"suspended while a backup is restored: the database stays for it": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "1.0", seen: facts.Environment{Database: up, Restoring: "back"},
			want: workload.Run{Stopped: true},
		},
		"suspended: the application stops before the database": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "1.0",
			seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{Stopped: true},
		},
		"suspended and the application has ended: the database stops": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "1.0",
			seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": stopped}},
			want: workload.Run{Stopped: true, DatabaseStopped: true},
		},
		"suspended in the middle of a migration: it is let end": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up}, job: &facts.Job{},
			want: workload.Run{Stopped: true, Migrate: true},
		},
		"suspended after a migration has failed": {
			state: v1alpha1.StateSuspended, at: "1.0", wanted: "2.0", seen: facts.Environment{Database: up}, job: &facts.Job{Failed: true},
			want: workload.Run{Stopped: true, DatabaseStopped: true},
		},
		"suspended before it ever ran": {
			state: v1alpha1.StateSuspended, wanted: "1.0",
			want: workload.Run{Absent: true, Stopped: true, DatabaseStopped: true},
		},
		"resumed: the database comes first": {
			at: "1.0", wanted: "1.0", seen: facts.Environment{Database: stopped, Components: map[string]facts.Workload{"web": stopped}},
			want: workload.Run{Stopped: true},
		},
		"quarantined: everything runs on": {
			state: v1alpha1.StateQuarantined, at: "1.0", wanted: "1.0",
			seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}},
			want: workload.Run{},
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			resolved := resolve(t, func(e *v1alpha1.CRMEnvironment) {
				e.Spec.State, e.Spec.Version, e.Status.Version = c.state, c.wanted, c.at
				if c.external {
					e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: "pg.example", CIDR: "192.0.2.0/28"}}
				}
			})
			c.seen.Jobs = map[string]facts.Job{}
			if c.job != nil {
				c.seen.Jobs[workload.MigrationJob(&resolved)] = *c.job
			}
			if c.pull != nil {
				c.seen.Jobs[workload.PullJob(&resolved)] = *c.pull
			}
			got := plan.RunNow(&resolved, &c.seen)
			runs := got.Version.Name
			got.Version = v1alpha1.ClassVersion{}
			assert.Equal(t, c.want, got)
			if c.at != "" {
				assert.Equal(t, c.at, runs, "what would run fits the database as it is")
			}
		})
	}
}

func TestNothingRunsBeforeACopyHasItsData(t *testing.T) {
	copied := func(filled *v1alpha1.EnvironmentSourceStatus) target.Target {
		return resolve(t, func(e *v1alpha1.CRMEnvironment) {
			e.Spec.Source, e.Status.Source = &v1alpha1.EnvironmentSource{BackupRef: &v1alpha1.LocalReference{Name: "nightly"}}, filled
		})
	}
	seen := &facts.Environment{Database: up}
	unfilled := copied(nil)
	run := plan.RunNow(&unfilled, seen)
	assert.True(t, run.Absent && run.Stopped)
	assert.False(t, run.Migrate || run.DatabaseStopped)
	assert.False(t, plan.Vault(&unfilled).DataKey.Wanted, "its data key comes with the data")

	filled := copied(&v1alpha1.EnvironmentSourceStatus{Backup: "nightly", Version: "2.0"})
	run = plan.RunNow(&filled, seen)
	assert.True(t, run.Absent && run.Stopped && run.Migrate, "whatever its version, it is migrated once")
	assert.True(t, plan.Vault(&filled).DataKey.Wanted)
}

func TestTheImageStaysTheOldOneUntilTheMigrationIsDone(t *testing.T) {
	resolved := resolve(t, func(e *v1alpha1.CRMEnvironment) { e.Status.Version, e.Spec.Version = "1.0", "2.0" })
	require.Equal(t, "2.0", resolved.Version.Name)
	assert.Equal(t, "crmkeep.local/demo:1.0", plan.RunNow(&resolved, &facts.Environment{}).Version.Image)
}

func TestNothingThatRunsChangesWhileAnImageIsAwaited(t *testing.T) {
	seen := &facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up, "queue": up}}
	planned := func(wanted string) map[string]string {
		resolved := resolve(t, func(e *v1alpha1.CRMEnvironment) { e.Status.Version, e.Spec.Version = "1.0", wanted })
		p, err := plan.ForEnvironment(&resolved, seen)
		require.NoError(t, err)
		found := map[string]string{}
		for _, o := range p.Objects() {
			text, err := yaml.Marshal(o.Configuration)
			require.NoError(t, err)
			var live metav1.PartialObjectMetadata
			require.NoError(t, yaml.Unmarshal(text, &live))
			// The migration's own configuration is of the version that it leads to, and the record tells what is declared; no pod reads them.
			component := live.Labels[naming.LabelComponent]
			if component != naming.ComponentPull && component != naming.ComponentMigrate && live.Name != naming.AcceptedRecord {
				found[live.Kind+" "+live.Name] = string(text)
			}
		}
		return found
	}
	assert.Equal(t, planned("1.0"), planned("2.0"))
}

func TestAVersionThatTheClassNoLongerHasRunsOnInItsImage(t *testing.T) {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Versions = []v1alpha1.ClassVersion{{Name: "2.0", Image: "crmkeep.local/demo:2.0", UpgradesFrom: []string{"1.0"}}}
	})
	resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), class,
		build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) { e.Status.Version, e.Spec.Version = "1.0", "2.0" }))
	require.NoError(t, err)
	web := up
	web.Image = "crmkeep.local/demo:1.0"
	run := plan.RunNow(&resolved, &facts.Environment{Database: up, Components: map[string]facts.Workload{"web": web}})
	assert.Equal(t, workload.Run{Version: v1alpha1.ClassVersion{Name: "1.0", Image: web.Image}, Pull: true}, run)
}

func TestAnImageThatRunsIsNotTried(t *testing.T) {
	resolved := resolve(t, func(e *v1alpha1.CRMEnvironment) { e.Status.Version, e.Spec.Version = "1.0", "2.0" })
	resolved.Version.Image = resolved.Current.Image
	run := plan.RunNow(&resolved, &facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up}})
	assert.Equal(t, workload.Run{Version: resolved.Current, Stopped: true}, run)
}

func TestAnImageIsTriedAgainWhenTheClassIsMended(t *testing.T) {
	before, after := resolve(t), resolve(t)
	after.Version.Image = "crmkeep.local/demo:2.0.1"
	assert.NotEqual(t, workload.PullJob(&before), workload.PullJob(&after))
}

func TestAMigrationIsTriedAgainWhenTheClassIsMended(t *testing.T) {
	before := resolve(t)
	for _, mend := range []func(*target.Target){
		func(t *target.Target) { t.Version.Image = "crmkeep.local/demo:2.0.1" },
		func(t *target.Target) { t.Class.Migration.Command = []string{"demo", "migrate", "--careful"} },
		func(t *target.Target) { t.Version.Name = "3.0" },
	} {
		after := resolve(t)
		mend(&after)
		assert.NotEqual(t, workload.MigrationJob(&before), workload.MigrationJob(&after))
	}
	filled := resolve(t)
	filled.Filled = &v1alpha1.EnvironmentSourceStatus{Backup: "nightly", Version: "1.0"}
	mended := filled
	mended.Class.Neutralise = &v1alpha1.ClassCommand{Command: []string{"demo", "neutralise", "--all"}}
	names := []string{workload.MigrationJob(&before), workload.MigrationJob(&filled), workload.MigrationJob(&mended)}
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), 3, "a copy is made harmless by a Job of its own, and again by another command")
	assert.LessOrEqual(t, len(workload.MigrationJob(&before)), 63-len("-xxxxx"), "its pods' names must fit too")
}

func resolve(t *testing.T, change ...func(*v1alpha1.CRMEnvironment)) target.Target {
	t.Helper()
	resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), build.Environment("acme", "prod", change...))
	require.NoError(t, err)
	return resolved
}

func TestAReservedNameIsNoComponentOfAClass(t *testing.T) {
	f := facts.Environment{Pods: map[string]int{
		naming.ComponentDatabase: 1, naming.ComponentMigrate: 1, naming.ComponentBackup: 1, naming.ComponentRestore: 1, naming.ComponentCheck: 1, naming.ComponentGateway: 1, naming.ComponentPull: 1,
	}}
	assert.False(t, f.AnyComponentPod())
}
