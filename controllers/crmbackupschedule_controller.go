package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/schedule"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackupschedules,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackupschedules/status,verbs=patch

// Schedules reconciles CRMBackupSchedules: it makes CRMBackups when they are due, gives up those that no rule keeps, and proves in drills
// that they restore.
type Schedules struct {
	Client   client.Client
	Observer *observe.Observer
	Runs     *Runs
	Applier  *apply.Applier
	// Vault signs the results of drills.
	Vault    Vault
	Settings settings.Settings
	Status   StatusWriter
	Clock    *clock.Clock
}

// scheduleScope is what one pass works with.
type scheduleScope struct {
	*v1alpha1.CRMBackupSchedule

	now  time.Time
	seen *facts.Protected
	// backups are those that the schedule has made.
	backups []v1alpha1.CRMBackup
	// abandoned are those that were made by hand, have failed, and whose snapshots are not forgotten yet.
	abandoned []v1alpha1.CRMBackup
	plan      schedule.Schedule
	// drill is the newest one, and drills says when they are due.
	drill  facts.Drill
	drills schedule.Schedule
	// delay of the schedule's turn in its window.
	delay time.Duration
	// care is the run that cares for the repositories; nil when there is none.
	care *facts.Run
}

// Reconcile takes one schedule one pass further.
func (r *Schedules) Reconcile(ctx context.Context, s *v1alpha1.CRMBackupSchedule) (ctrl.Result, error) {
	if !s.DeletionTimestamp.IsZero() {
		return r.teardown(ctx, s)
	}
	if err := hold(ctx, r.Client, s); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	scope, err := r.observe(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	invalid := r.check(scope)
	pass := status.SchedulePass{Err: invalid, Backups: scope.backups}
	if invalid == nil {
		pass.Err = r.makeDue(ctx, scope)
		pass.Next = scope.plan.Next(scope.now.Add(-scope.delay)).Add(scope.delay)
		pass.Interval = scope.plan.Interval(scope.now)
	}
	if scope.care != nil && scope.care.Ended {
		pass.Care = scope.care
	}
	var step schedule.DrillStep
	pass.Drill, step = r.planDrill(scope, invalid)
	if err := r.Status.Schedule(ctx, s, status.Schedule(s, pass, metav1.NewTime(scope.now))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	var kept error
	if invalid == nil {
		kept = errors.Join(r.keep(ctx, scope), r.clear(ctx, scope))
	}
	result, err := conclude(errors.Join(pass.Err, kept, r.drillOn(ctx, scope, step)))
	if err != nil || pass.Next.IsZero() {
		return result, err
	}
	return sooner(result, nextLookAt(s, pass, scope.now)), nil
}

// nextLookAt is when the next backup or drill is due, when the newest one will be too old, or else some time that is far enough.
func nextLookAt(s *v1alpha1.CRMBackupSchedule, pass status.SchedulePass, now time.Time) time.Duration {
	soonest := longestWait
	moments := []time.Time{pass.Next, pass.Drill.Next, status.ProvenUntil(&s.Status, pass.Drill.Interval).Add(time.Second)}
	if at := s.Status.LastBackup; at != nil {
		moments = append(moments, at.Add(status.Objective(s, pass.Interval)).Add(time.Second))
	}
	for _, at := range moments {
		if left := at.Sub(now); left > 0 {
			soonest = min(soonest, max(left, time.Second))
		}
	}
	return soonest
}

func (r *Schedules) observe(ctx context.Context, s *v1alpha1.CRMBackupSchedule) (*scheduleScope, error) {
	scope := &scheduleScope{CRMBackupSchedule: s, now: r.Clock.Now(), delay: schedule.Spread(s.Namespace, s.Name, window(s))}
	var err error
	if scope.seen, err = r.Observer.Protected(ctx, s.Namespace, s.Spec.EnvironmentRef.Name); err != nil {
		return nil, err
	}
	all, err := r.Observer.Backups(ctx, s.Namespace)
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		switch {
		case b.Spec.EnvironmentRef.Name != s.Spec.EnvironmentRef.Name:
		case b.Labels[naming.LabelSchedule] == s.Name:
			scope.backups = append(scope.backups, b)
		case isAbandoned(&b):
			scope.abandoned = append(scope.abandoned, b)
		}
	}
	if scope.drill, err = r.Observer.Drill(ctx, s); err != nil {
		return nil, err
	}
	scope.drill.Usable = slices.ContainsFunc(all, func(b v1alpha1.CRMBackup) bool {
		return b.Spec.EnvironmentRef.Name == s.Spec.EnvironmentRef.Name && validate.Usable(&b)
	})
	tenant, _ := naming.TenantOfHome(s.Namespace)
	scope.care, err = r.Observer.Run(ctx, naming.WorkloadNamespace(tenant, s.Spec.EnvironmentRef.Name), backup.CareJob(s))
	return scope, err
}

// Defaults of a schedule.
const (
	defaultWindow   = 15 * time.Minute
	defaultDeadline = 24 * time.Hour
	defaultHistory  = 10
)

func window(s *v1alpha1.CRMBackupSchedule) time.Duration {
	if w := s.Spec.WindowSeconds; w != nil {
		return time.Duration(*w) * time.Second
	}
	return defaultWindow
}

func deadline(s *v1alpha1.CRMBackupSchedule) time.Duration {
	if d := s.Spec.StartingDeadlineSeconds; d != nil {
		return time.Duration(*d) * time.Second
	}
	return defaultDeadline
}

// check says why the schedule makes no backups, and else reads its expression.
func (r *Schedules) check(scope *scheduleScope) error {
	if _, err := workloadOf(scope.Namespace, scope.Spec.EnvironmentRef.Name); err != nil {
		return err
	}
	var err error
	if scope.drills, err = validate.Drills(scope.CRMBackupSchedule); err != nil {
		return err
	}
	scope.plan, err = validate.Schedule(scope.CRMBackupSchedule, scope.seen)
	return err
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups,verbs=create

// makeDue makes the backup whose turn has come. While the one before has not ended there is no other; when it has, the newest of those
// that were missed is made. One whose turn has not come yet was made by a clock that was ahead: it is not made again, and the others do not
// wait for it.
func (r *Schedules) makeDue(ctx context.Context, scope *scheduleScope) error {
	last := scope.CreationTimestamp.Time
	for i := range scope.backups {
		b := &scope.backups[i]
		if b.Status.CompletedAt == nil {
			return nil
		}
		at, err := time.Parse(time.RFC3339, b.Annotations[naming.AnnotationScheduledAt])
		if err == nil && at.After(last) && !clock.IsAhead(at, scope.now) {
			last = at
		}
	}
	at, due := scope.plan.Due(last, scope.now, scope.delay, deadline(scope.CRMBackupSchedule))
	name := naming.ScheduledBackup(scope.Name, schedule.Minute(at))
	if !due || slices.ContainsFunc(scope.backups, func(b v1alpha1.CRMBackup) bool { return b.Name == name }) {
		return nil
	}
	err := r.Client.Create(ctx, &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: scope.Namespace, Name: name,
			Labels:      map[string]string{naming.LabelSchedule: scope.Name},
			Annotations: map[string]string{naming.AnnotationScheduledAt: at.Format(time.RFC3339)},
		},
		Spec: v1alpha1.CRMBackupSpec{EnvironmentRef: scope.Spec.EnvironmentRef, Locations: scope.Spec.Locations},
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making the backup of %s: %w", at.Format(time.RFC3339), err)
	}
	return nil
}

// teardown ends the care of the repositories, and a drill that goes on. The backups stay, with their records, and the results of drills.
func (r *Schedules) teardown(ctx context.Context, s *v1alpha1.CRMBackupSchedule) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(s, naming.FinalizerRun) {
		return ctrl.Result{}, nil
	}
	err := errors.Join(r.Runs.Remove(ctx, s.Namespace, s.Spec.EnvironmentRef.Name, backup.CareJob(s)), r.clearDrill(ctx, s))
	if err == nil {
		tenant, _ := naming.TenantOfHome(s.Namespace)
		metrics.ForgetSchedule(tenant, s.Spec.EnvironmentRef.Name, s.Name)
		return conclude(letGo(ctx, r.Client, s))
	}
	if err := r.Status.Schedule(ctx, s, status.ScheduleDeleting(s, err, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(err)
}

// SetupWithManager registers the controller.
func (r *Schedules) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMBackupSchedule{}, builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMBackup{}, handler.EnqueueRequestsFromMapFunc(scheduleOfLabel), builder.WithPredicates(notCreation())).
		Watches(&v1alpha1.CRMRestore{}, handler.EnqueueRequestsFromMapFunc(scheduleOfLabel), builder.WithPredicates(notCreation())).
		Watches(&batchv1.Job{}, ofRun(naming.RunCare, naming.RunCheck), builder.WithPredicates(notCreation())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

func scheduleOfLabel(_ context.Context, o client.Object) []reconcile.Request {
	name := o.GetLabels()[naming.LabelSchedule]
	if name == "" {
		return nil
	}
	return request(o.GetNamespace(), name)
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMBackupSchedule] = (*Schedules)(nil)
