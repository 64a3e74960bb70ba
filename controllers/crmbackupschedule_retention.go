package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/schedule"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

const (
	// careEvery is how often repositories are looked into when nothing is to be forgotten.
	careEvery = 7 * 24 * time.Hour
	// failedAtOnce is how many failed backups are forgotten together when nothing else calls for a look: each look costs a pass over the
	// whole repository.
	failedAtOnce = 10
	// mostFailed is how many records of failed backups wait for that at most.
	mostFailed = 100
	// careRetry is how long after a failure they are looked into again.
	careRetry = time.Hour
)

// keep gives up what no rule of the retention keeps. First the repositories forget it, in a run of its own; the records go when that has
// succeeded, so that nothing is in a repository that no record tells of.
func (r *Schedules) keep(ctx context.Context, scope *scheduleScope) error {
	switch {
	case scope.care == nil:
		return r.startCare(ctx, scope)
	case !scope.care.Ended:
		return nil
	}
	if told, err := status.Report(scope.care); err != nil || told.Reason != "" {
		if wait := scope.care.Completed.Add(careRetry).Sub(scope.now); wait > 0 {
			return outcome.Wait(v1alpha1.ReasonRetrying, wait, "the repositories are looked into again")
		}
		return r.Runs.Remove(ctx, scope.Namespace, scope.Spec.EnvironmentRef.Name, scope.care.Name)
	}
	left, err := r.dropRecords(ctx, scope, scope.care.Forget)
	if err == nil {
		err = r.markForgotten(ctx, scope)
	}
	if err != nil || left {
		return err // The watch on backups calls when they are gone; only then nothing would be forgotten twice.
	}
	return r.Runs.Remove(ctx, scope.Namespace, scope.Spec.EnvironmentRef.Name, scope.care.Name)
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=delete

// dropRecords deletes CRMBackups and tells whether one is still there.
func (r *Schedules) dropRecords(ctx context.Context, scope *scheduleScope, names []string) (left bool, err error) {
	for i := range scope.backups {
		b := &scope.backups[i]
		if !slices.Contains(names, b.Name) {
			continue
		}
		left = true
		uid := b.UID
		if err := r.Client.Delete(ctx, b, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
			return left, fmt.Errorf("deleting the record of CRMBackup %s: %w", b.Name, err)
		}
	}
	return left, nil
}

// isAbandoned tells whether a backup that was made by hand may have left snapshots that nobody needs. Its record is a person's, and stays.
func isAbandoned(b *v1alpha1.CRMBackup) bool {
	return b.Labels[naming.LabelSchedule] == "" && b.Spec.Import == nil && b.Annotations[naming.AnnotationForgottenAt] == "" &&
		b.Status.Phase == v1alpha1.PhaseFailed && b.Status.StartedAt != nil
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=patch

// markForgotten writes down which backups that were made by hand the repositories have forgotten.
func (r *Schedules) markForgotten(ctx context.Context, scope *scheduleScope) error {
	for i := range scope.abandoned {
		b := &scope.abandoned[i]
		if !slices.Contains(scope.care.Forget, b.Name) {
			continue
		}
		base := b.DeepCopy()
		metav1.SetMetaDataAnnotation(&b.ObjectMeta, naming.AnnotationForgottenAt, scope.care.Completed.UTC().Format(time.RFC3339))
		if err := r.Client.Patch(ctx, b, client.MergeFrom(base)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("marking CRMBackup %s as forgotten: %w", b.Name, err)
		}
	}
	return nil
}

// startCare begins a run when there is something to forget or it is time to look. While a backup is ahead of the time, which of them are
// the newest cannot be told, and nothing is given up.
func (r *Schedules) startCare(ctx context.Context, scope *scheduleScope) error {
	if status.Ahead(scope.backups, scope.now) != nil {
		return nil
	}
	p, err := validate.Runnable(r.Settings, scope.Spec.EnvironmentRef.Name, scope.seen)
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(slices.Clone(scope.backups), func(b v1alpha1.CRMBackup) bool {
		return !validate.Usable(&b) || b.Status.Record.Repository != p.Repository
	})
	names := retention(scope.CRMBackupSchedule).Forget(known(mine), scope.plan.Zone())
	failed := append(begun(outOfHistory(scope)), scope.abandoned...)
	if len(names) == 0 && len(failed) < failedAtOnce && !looksDue(scope, mine) {
		return nil
	}
	forget := slices.DeleteFunc(mine, func(b v1alpha1.CRMBackup) bool { return !slices.Contains(names, b.Name) })
	forget = append(forget, failed...)
	care := backup.Care{
		Schedule: scope.CRMBackupSchedule, Forget: forget, ReadData: schedule.ReadShare(scope.now),
		Locations: caredFor(scope, forget), Repository: p.Repository,
	}
	if len(care.Locations) == 0 {
		return nil
	}
	_, err = r.Runs.Start(ctx, &p.Target, backup.CareJob(scope.CRMBackupSchedule), care.Locations, backup.ForCare(&p.Target, care))
	return err
}

// caredFor are the schedule's locations and those that what is forgotten was written to, as far as the tenant may use them.
func caredFor(scope *scheduleScope, forget []v1alpha1.CRMBackup) []v1alpha1.CRMBackupLocation {
	names := slices.Clone(scope.Spec.Locations)
	for i := range forget {
		names = append(names, forget[i].Spec.Locations...)
	}
	slices.Sort(names)
	var found []v1alpha1.CRMBackupLocation
	for _, name := range slices.Compact(names) {
		if l, ok := scope.seen.Locations[name]; ok && validate.Location(scope.seen.Tenant, &l) == nil {
			found = append(found, l)
		}
	}
	return found
}

// looksDue tells whether it is time to look into repositories of which nothing is to be forgotten. A last look in the future was written by
// a clock that was wrong.
func looksDue(scope *scheduleScope, backups []v1alpha1.CRMBackup) bool {
	last := scope.now
	if at := scope.Status.LastCare; at != nil {
		last = at.Time
	} else {
		for i := range backups {
			if at := backups[i].Status.CompletedAt.Time; at.Before(last) {
				last = at
			}
		}
	}
	return len(backups) > 0 && scope.now.Sub(last).Abs() >= careEvery
}

// defaultRetention is the installation's.
var defaultRetention = schedule.Retention{Daily: 7, Weekly: 5, Monthly: 12}

func retention(s *v1alpha1.CRMBackupSchedule) schedule.Retention {
	d := s.Spec.Retention
	if d == nil {
		return defaultRetention
	}
	n := func(p *int32) int {
		if p == nil {
			return 0
		}
		return int(*p)
	}
	return schedule.Retention{
		Last: n(d.Last), Hourly: n(d.Hourly), Daily: n(d.Daily), Weekly: n(d.Weekly), Monthly: n(d.Monthly), Yearly: n(d.Yearly),
	}
}

func known(backups []v1alpha1.CRMBackup) []schedule.Backup {
	out := make([]schedule.Backup, len(backups))
	for i := range backups {
		b := &backups[i]
		out[i] = schedule.Backup{
			Name: b.Name, At: b.Status.CompletedAt.Time, Locations: validate.HeldBy(b), Proven: b.Annotations[naming.AnnotationProvenAt] != "",
		}
	}
	return out
}

// clear deletes the records of backups that have failed before they began, but for the newest. Those that began may have left snapshots,
// which the repositories forget first (see startCare); when many wait for that, because a location is away for long, the oldest go
// anyway rather than fill the cluster.
func (r *Schedules) clear(ctx context.Context, scope *scheduleScope) error {
	var names []string
	for i, b := range outOfHistory(scope) {
		if b.Status.StartedAt == nil || i >= mostFailed {
			names = append(names, b.Name)
		}
	}
	_, err := r.dropRecords(ctx, scope, names)
	return err
}

// outOfHistory are the backups that have failed, but for the newest.
func outOfHistory(scope *scheduleScope) []v1alpha1.CRMBackup {
	failed := slices.DeleteFunc(slices.Clone(scope.backups), func(b v1alpha1.CRMBackup) bool {
		return b.Status.CompletedAt == nil || validate.Usable(&b)
	})
	slices.SortFunc(failed, func(a, b v1alpha1.CRMBackup) int {
		return cmp.Or(b.Status.CompletedAt.Compare(a.Status.CompletedAt.Time), cmp.Compare(a.Name, b.Name))
	})
	stay := defaultHistory
	if l := scope.Spec.HistoryLimit; l != nil {
		stay = int(*l)
	}
	return failed[min(stay, len(failed)):]
}

// begun are those whose run has begun.
func begun(backups []v1alpha1.CRMBackup) []v1alpha1.CRMBackup {
	return slices.DeleteFunc(backups, func(b v1alpha1.CRMBackup) bool { return b.Status.StartedAt == nil })
}
