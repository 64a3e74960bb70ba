package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Protected reads what the decisions about a backup, a schedule or a restore need to know of its environment.
func (o *Observer) Protected(ctx context.Context, home, environment string) (*facts.Protected, error) {
	f := &facts.Protected{Locations: make(map[string]v1alpha1.CRMBackupLocation)}
	var err error
	f.Environment, err = get(ctx, o.Reader, client.ObjectKey{Namespace: home, Name: environment}, &v1alpha1.CRMEnvironment{})
	if err != nil || f.Environment == nil {
		return f, err
	}
	tenant, _ := naming.TenantOfHome(home)
	if f.Tenant, err = get(ctx, o.Reader, client.ObjectKey{Name: tenant}, &v1alpha1.CRMTenant{}); err != nil {
		return nil, err
	}
	class := client.ObjectKey{Name: f.Environment.Spec.ClassRef.Name}
	if f.Class, err = get(ctx, o.Reader, class, &v1alpha1.CRMClass{}); err != nil {
		return nil, err
	}
	if f.Accepted, err = o.accepted(ctx, naming.WorkloadNamespace(tenant, environment)); err != nil {
		return nil, err
	}
	if f.Locations, err = o.BackupLocations(ctx); err != nil {
		return nil, err
	}
	f.Restoring, err = o.restoring(ctx, home, environment)
	return f, err
}

// Tenant of that name, nil when there is none.
func (o *Observer) Tenant(ctx context.Context, name string) (*v1alpha1.CRMTenant, error) {
	return get(ctx, o.Reader, client.ObjectKey{Name: name}, &v1alpha1.CRMTenant{})
}

// BackupLocations are all that exist, by name.
func (o *Observer) BackupLocations(ctx context.Context) (map[string]v1alpha1.CRMBackupLocation, error) {
	var list v1alpha1.CRMBackupLocationList
	if err := o.Reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the backup locations: %w", err)
	}
	locations := make(map[string]v1alpha1.CRMBackupLocation, len(list.Items))
	for _, l := range list.Items {
		locations[l.Name] = l
	}
	return locations, nil
}

// Backups of a tenant's home, all of them.
func (o *Observer) Backups(ctx context.Context, home string) ([]v1alpha1.CRMBackup, error) {
	var list v1alpha1.CRMBackupList
	if err := o.Reader.List(ctx, &list, client.InNamespace(home)); err != nil {
		return nil, fmt.Errorf("listing the tenant's backups: %w", err)
	}
	return list.Items, nil
}

// protection reads what is done for an environment's data, and to it.
func (o *Observer) protection(ctx context.Context, env *v1alpha1.CRMEnvironment, f *facts.Environment) (err error) {
	if f.Restoring, err = o.restoring(ctx, env.Namespace, env.Name); err != nil {
		return err
	}
	if f.Schedules, err = o.schedules(ctx, env); err != nil {
		return err
	}
	f.Backups, err = o.backupsOf(ctx, env)
	return err
}

// backupsOf an environment that a location holds, oldest first.
func (o *Observer) backupsOf(ctx context.Context, env *v1alpha1.CRMEnvironment) ([]facts.Backup, error) {
	var list v1alpha1.CRMBackupList
	if err := o.Reader.List(ctx, &list, client.InNamespace(env.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the tenant's backups: %w", err)
	}
	kept := slices.DeleteFunc(list.Items, func(b v1alpha1.CRMBackup) bool {
		return b.Spec.EnvironmentRef.Name != env.Name || b.Status.Record == nil || b.Status.CompletedAt == nil
	})
	slices.SortFunc(kept, func(a, b v1alpha1.CRMBackup) int {
		return cmp.Or(a.Status.CompletedAt.Compare(b.Status.CompletedAt.Time), cmp.Compare(a.Name, b.Name))
	})
	var found []facts.Backup
	for i := range kept {
		record := kept[i].Status.Record
		found = append(found, facts.Backup{Name: kept[i].Name, KeyVersion: record.KeyVersion, Repository: record.Repository})
	}
	return found, nil
}

// restoring finds the CRMRestore that has the environment's application stopped.
func (o *Observer) restoring(ctx context.Context, home, environment string) (string, error) {
	var list v1alpha1.CRMRestoreList
	if err := o.Reader.List(ctx, &list, client.InNamespace(home), client.UnsafeDisableDeepCopy); err != nil {
		return "", fmt.Errorf("listing the tenant's restores: %w", err)
	}
	for i := range list.Items {
		to := list.Items[i].Spec.To.EnvironmentRef
		if to != nil && to.Name == environment && list.Items[i].Status.Phase == v1alpha1.PhaseRunning {
			return list.Items[i].Name, nil
		}
	}
	return "", nil
}

// schedules of an environment, by name.
func (o *Observer) schedules(ctx context.Context, env *v1alpha1.CRMEnvironment) ([]facts.Schedule, error) {
	var list v1alpha1.CRMBackupScheduleList
	if err := o.Reader.List(ctx, &list, client.InNamespace(env.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the tenant's schedules: %w", err)
	}
	var found []facts.Schedule
	for i := range list.Items {
		s := &list.Items[i]
		if s.Spec.EnvironmentRef.Name != env.Name || !s.DeletionTimestamp.IsZero() {
			continue
		}
		f := facts.Schedule{Name: s.Name, LastProven: s.Status.LastProven.DeepCopy()}
		for _, c := range s.Status.Conditions {
			if c.Type == v1alpha1.ConditionBackupHealthy {
				f.Health = c.DeepCopy()
			}
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b facts.Schedule) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// Run reads a run's Job and its pods; nil when there is no such Job.
func (o *Observer) Run(ctx context.Context, namespace, name string) (*facts.Run, error) {
	j, err := get(ctx, o.Reader, client.ObjectKey{Namespace: namespace, Name: name}, &batchv1.Job{})
	if err != nil || j == nil || j.Labels[naming.LabelRun] != name {
		return nil, err
	}
	var pods corev1.PodList
	labels := client.MatchingLabels{naming.LabelRun: name}
	if err := o.Reader.List(ctx, &pods, client.InNamespace(namespace), labels, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the pods of run %s: %w", name, err)
	}
	run := RunOf(j)
	var ended time.Time
	for i := range pods.Items {
		// A label is no proof.
		if p := &pods.Items[i]; metav1.IsControlledBy(p, j) {
			ended = tell(&run, p, ended)
		}
	}
	return &run, nil
}

// RunOf reads a Job alone.
func RunOf(j *batchv1.Job) facts.Run {
	state := job(j)
	kind, _, _ := strings.Cut(j.Labels[naming.LabelRunOf], ".")
	run := facts.Run{
		Namespace: j.Namespace, Name: j.Name, Kind: kind,
		Ended: state.Succeeded || state.Failed, Succeeded: state.Succeeded, Why: state.Message,
		Locations:  names(j.Annotations[naming.AnnotationLocations]),
		Forget:     names(j.Annotations[naming.AnnotationForget]),
		Version:    j.Annotations[naming.AnnotationVersion],
		Repository: j.Annotations[naming.AnnotationRepository],
	}
	if at := j.Status.StartTime; at != nil {
		run.Started = at.Time
	}
	for _, c := range j.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			run.Completed = c.LastTransitionTime.Time
		}
	}
	return run
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// tell adds what a pod says. Of several the one counts that ended last, as the latest of all is given.
func tell(run *facts.Run, p *corev1.Pod, latest time.Time) time.Time {
	if found := problems(p); len(found) > 0 {
		run.Problem = found[0].Message
	}
	if p.Status.Phase == corev1.PodRunning && p.DeletionTimestamp == nil {
		run.Address = p.Status.PodIP
	}
	for _, s := range p.Status.ContainerStatuses {
		end := s.State.Terminated
		if end == nil || end.FinishedAt.Time.Before(latest) {
			continue
		}
		run.Report, latest = end.Message, end.FinishedAt.Time
		if end.Reason == "OOMKilled" && end.Message == "" {
			run.Why = "its memory did not suffice"
		}
	}
	return latest
}
