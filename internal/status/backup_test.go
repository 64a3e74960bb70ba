package status_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

var digest = strings.Repeat("0a", 32)

func aBackup() *v1alpha1.CRMBackup {
	return &v1alpha1.CRMBackup{ObjectMeta: metav1.ObjectMeta{Name: "b", Generation: 1}, Spec: v1alpha1.CRMBackupSpec{Locations: []string{"here", "there"}}}
}

func TestWhatBecomesOfABackup(t *testing.T) {
	ended := func(report string) *facts.Run {
		return &facts.Run{Ended: true, Succeeded: true, Report: report, Locations: []string{"here", "there"}, Version: "1.0", Repository: "crm-a--p/1"}
	}
	record := `"manifestDigest":"` + digest + `","keyVersion":2`
	for name, c := range map[string]struct {
		pass          status.BackupPass
		phase, reason string
		record        bool
	}{
		"it waits":                  {status.BackupPass{Err: outcome.Wait(v1alpha1.ReasonRunActive, 0, "wait")}, "Pending", "RunActive", false},
		"the API server is away":    {status.BackupPass{Err: errors.New("connection refused")}, "Pending", "Retrying", false},
		"it may not be made":        {status.BackupPass{Err: outcome.Reject(v1alpha1.ReasonNotAllowed, "no")}, "Failed", "NotAllowed", false},
		"its run was lost":          {status.BackupPass{}, "Failed", "RunLost", false},
		"it runs":                   {status.BackupPass{Run: &facts.Run{}}, "Running", "Progressing", false},
		"all is written":            {status.BackupPass{Run: ended(`{` + record + `,"locations":[{"name":"here"},{"name":"there"}]}`)}, "Complete", "Succeeded", true},
		"one location is not named": {status.BackupPass{Run: ended(`{` + record + `,"locations":[{"name":"here"}]}`)}, "PartiallyFailed", "PartiallyFailed", true},
		"one location has failed": {
			status.BackupPass{Run: ended(`{` + record + `,"locations":[{"name":"here"},{"name":"there","message":"full"}]}`)}, "PartiallyFailed", "PartiallyFailed", true},
		"no location has it": {
			status.BackupPass{Run: ended(`{"reason":"LocationFull","locations":[{"name":"here","message":"full"}]}`)}, "Failed", "LocationFull", false},
		"a manifest and no location": {status.BackupPass{Run: ended(`{` + record + `}`)}, "Failed", "RunFailed", false},
		"nothing was told":           {status.BackupPass{Run: ended("")}, "Failed", "RunFailed", false},
		"a deadline":                 {status.BackupPass{Run: &facts.Run{Ended: true, Why: "Job was active longer than specified deadline"}}, "Failed", "RunFailed", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := status.Backup(aBackup(), c.pass, metav1.Now())
			require.NoError(t, statuscheck.Check(1, s.ObservedGeneration, s.Conditions))
			assert.Equal(t, c.phase, s.Phase)
			assert.Equal(t, c.reason, meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady).Reason)
			assert.Equal(t, c.record, s.Record != nil)
			assert.Equal(t, c.phase != "Pending" && c.phase != "Running", s.CompletedAt != nil)
		})
	}
}

func TestProgressIsWrittenWhenItIsNoticeable(t *testing.T) {
	b := aBackup()
	at := func(stage string, mebibytes int64) *v1alpha1.BackupProgress {
		pass := status.BackupPass{Run: &facts.Run{}, Progress: &result.Progress{Stage: stage, BytesDone: mebibytes << 20, BytesTotal: 2000 << 20}}
		b.Status = status.Backup(b, pass, metav1.Now())
		return b.Status.Progress
	}
	assert.EqualValues(t, 0, at("Prepare", 0).BytesDone)
	assert.EqualValues(t, 1<<20, at("Database", 1).BytesDone, "another stage")
	assert.EqualValues(t, 1<<20, at("Database", 40).BytesDone, "less than two percent more")
	assert.EqualValues(t, 41<<20, at("Database", 41).BytesDone)
}

func TestWhatKeepsAnEnvironmentFromBeingSafe(t *testing.T) {
	now := metav1.NewTime(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	done := func(age time.Duration, phase string) v1alpha1.CRMBackup {
		at := metav1.NewTime(now.Add(-age))
		b := *aBackup()
		b.Status.Phase, b.Status.CompletedAt = phase, &at
		return b
	}
	for name, c := range map[string]struct {
		backups []v1alpha1.CRMBackup
		err     error
		care    string
		proven  bool
		want    string
	}{
		"the schedule is suspended":    {[]v1alpha1.CRMBackup{done(time.Hour, "Complete")}, outcome.Wait(v1alpha1.ReasonScheduleSuspended, 0, "x"), "", true, "NoSchedule"},
		"the schedule means nothing":   {nil, outcome.Reject(v1alpha1.ReasonScheduleInvalid, "x"), "", true, "NoSchedule"},
		"no backup":                    {nil, nil, "", true, "NoBackup"},
		"none that holds anything":     {[]v1alpha1.CRMBackup{done(time.Hour, "Failed")}, nil, "", true, "NoBackup"},
		"an old one":                   {[]v1alpha1.CRMBackup{done(3*time.Hour, "Complete")}, nil, "", true, "BackupTooOld"},
		"one of the future":            {[]v1alpha1.CRMBackup{done(-400*24*time.Hour, "Complete"), done(time.Hour, "Complete")}, nil, "", true, "ClockSkewed"},
		"clocks may differ a little":   {[]v1alpha1.CRMBackup{done(-4*time.Minute, "Complete")}, nil, "", true, "Succeeded"},
		"a location failed":            {[]v1alpha1.CRMBackup{done(time.Hour, "PartiallyFailed")}, nil, "", true, "LocationFailed"},
		"a repository is damaged":      {[]v1alpha1.CRMBackup{done(time.Hour, "Complete")}, nil, `{"reason":"RepositoryDamaged","locations":[{"name":"here","problems":["a pack is wrong"]}]}`, true, "LocationFailed"},
		"never proven":                 {[]v1alpha1.CRMBackup{done(time.Hour, "Complete")}, nil, "", false, "NeverProven"},
		"all is well":                  {[]v1alpha1.CRMBackup{done(time.Hour, "Complete")}, nil, "", true, "Succeeded"},
		"all is well, and looked into": {[]v1alpha1.CRMBackup{done(time.Hour, "Complete")}, nil, `{"locations":[{"name":"here"}]}`, true, "Succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Name: "nightly", Generation: 1}}
			s.Spec.Objectives = &v1alpha1.RecoveryObjectives{RPOSeconds: build.Pointer[int64](7200)}
			s.Spec.Drill = &v1alpha1.RestoreDrill{Schedule: "@weekly"}
			if c.proven {
				s.Status.LastProven = &now
			}
			pass := status.SchedulePass{Err: c.err, Backups: c.backups, Interval: time.Hour}
			if c.care != "" {
				pass.Care = &facts.Run{Ended: true, Succeeded: true, Report: c.care, Locations: []string{"here"}, Completed: now.Time}
			}
			next := status.Schedule(s, pass, now)
			require.NoError(t, statuscheck.Check(1, next.ObservedGeneration, next.Conditions))
			assert.Equal(t, c.want, meta.FindStatusCondition(next.Conditions, v1alpha1.ConditionBackupHealthy).Reason)
		})
	}
}

func TestAnEnvironmentIsSafeWithOneScheduleThatIs(t *testing.T) {
	health := func(value metav1.ConditionStatus, reason string) *metav1.Condition {
		return &metav1.Condition{Type: v1alpha1.ConditionBackupHealthy, Status: value, Reason: reason, Message: "because"}
	}
	for name, c := range map[string]struct {
		schedules []facts.Schedule
		want      string
	}{
		"none":                        {nil, "NoSchedule"},
		"one that is new":             {[]facts.Schedule{{Name: "a"}}, "NoSchedule"},
		"one that is not healthy":     {[]facts.Schedule{{Name: "a", Health: health("False", "NoBackup")}}, "NoBackup"},
		"a healthy one among others":  {[]facts.Schedule{{Name: "a", Health: health("False", "NoBackup")}, {Name: "b", Health: health("True", "Succeeded")}}, "Succeeded"},
		"the first that says no more": {[]facts.Schedule{{Name: "a", Health: health("False", "NeverProven")}, {Name: "b", Health: health("False", "NoBackup")}}, "NeverProven"},
	} {
		t.Run(name, func(t *testing.T) {
			env := build.Environment("acme", "prod")
			f := &facts.Environment{Schedules: c.schedules}
			resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), env)
			require.NoError(t, err)
			s := status.Environment(env, f, status.Pass{Target: &resolved}, metav1.Now())
			assert.Equal(t, c.want, meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionBackupHealthy).Reason)
		})
	}
}
