package observe

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/check"
	"github.com/crmkeep/crmkeep/internal/plan/drill"
)

// Drill reads what there is of a schedule's newest drill.
func (o *Observer) Drill(ctx context.Context, s *v1alpha1.CRMBackupSchedule) (facts.Drill, error) {
	var f facts.Drill
	if s.Status.Drill == nil {
		return f, nil
	}
	for _, read := range []func(context.Context, *v1alpha1.CRMBackupSchedule, *facts.Drill) error{o.drillRestore, o.drillEnvironment, o.drillResults} {
		if err := read(ctx, s, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

// drillRestore finds the drill's CRMRestore and the backup that it restores.
func (o *Observer) drillRestore(ctx context.Context, s *v1alpha1.CRMBackupSchedule, f *facts.Drill) error {
	key := client.ObjectKey{Namespace: s.Namespace, Name: s.Status.Drill.Name}
	restore, err := get(ctx, o.Reader, key, &v1alpha1.CRMRestore{})
	switch {
	case err != nil:
		return err
	case restore != nil && drill.Made(s, restore):
		f.Restore = restore
	case restore != nil:
		f.Clash = "CRMRestore " + key.Name
	}
	if name := chosen(s.Status.Drill, f.Restore); name != "" {
		f.Backup, err = get(ctx, o.Reader, client.ObjectKey{Namespace: s.Namespace, Name: name}, &v1alpha1.CRMBackup{})
	}
	return err
}

func chosen(d *v1alpha1.DrillStatus, restore *v1alpha1.CRMRestore) string {
	if d.Backup == "" && restore != nil {
		return restore.Status.Backup
	}
	return d.Backup
}

// drillEnvironment finds what the drill restores into, and the Job of its checks.
func (o *Observer) drillEnvironment(ctx context.Context, s *v1alpha1.CRMBackupSchedule, f *facts.Drill) error {
	key := client.ObjectKey{Namespace: s.Namespace, Name: naming.DrillEnvironment(s.Name)}
	env, err := get(ctx, o.Reader, key, &v1alpha1.CRMEnvironment{})
	if err != nil || env == nil {
		return err
	}
	if env.Spec.Purpose != v1alpha1.PurposeDrill {
		f.Clash = "CRMEnvironment " + key.Name
		return nil
	}
	f.Environment = env
	class, err := get(ctx, o.Reader, client.ObjectKey{Name: env.Spec.ClassRef.Name}, &v1alpha1.CRMClass{})
	if err != nil {
		return err
	}
	f.HasChecks = class == nil || len(class.Spec.Checks) > 0
	tenant, _ := naming.TenantOfHome(s.Namespace)
	f.Checks, err = o.checks(ctx, client.ObjectKey{Namespace: naming.WorkloadNamespace(tenant, env.Name), Name: check.JobName(s.Name)})
	return err
}

func (o *Observer) checks(ctx context.Context, key client.ObjectKey) (*facts.Checks, error) {
	j, err := get(ctx, o.Reader, key, &batchv1.Job{})
	if err != nil || j == nil || j.Labels[naming.LabelRun] != key.Name {
		return nil, err
	}
	run := RunOf(j)
	if !run.Ended {
		return &facts.Checks{}, nil
	}
	pod, err := o.podOf(ctx, j)
	if err != nil {
		return nil, err
	}
	told := check.Outcome(j, pod)
	return &facts.Checks{Ended: true, Passed: told.Passed, Took: run.Completed.Sub(run.Started), Each: told.Checks, Message: told.Message}, nil
}

// podOf asks the API server for the pod of a Job that has one: the cache has no specifications of pods.
func (o *Observer) podOf(ctx context.Context, j *batchv1.Job) (*corev1.Pod, error) {
	var pods corev1.PodList
	labels := client.MatchingLabels{naming.LabelRun: j.Name}
	if err := o.Uncached.List(ctx, &pods, client.InNamespace(j.Namespace), labels); err != nil {
		return nil, fmt.Errorf("listing the pods of run %s: %w", j.Name, err)
	}
	// A label is no proof.
	i := slices.IndexFunc(pods.Items, func(p corev1.Pod) bool { return metav1.IsControlledBy(&p, j) })
	if i < 0 {
		return nil, nil
	}
	return &pods.Items[i], nil
}

// drillResults lists the signed results that are kept. Their names are in the order of their times.
func (o *Observer) drillResults(ctx context.Context, s *v1alpha1.CRMBackupSchedule, f *facts.Drill) error {
	var results corev1.ConfigMapList
	if err := o.Reader.List(ctx, &results, client.InNamespace(s.Namespace), client.MatchingLabels(drill.ResultLabels(s)), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the results of drills: %w", err)
	}
	for i := range results.Items {
		f.Results = append(f.Results, results.Items[i].Name)
	}
	slices.Sort(f.Results)
	if d := s.Status.Drill; d.Phase != v1alpha1.PhaseRunning && !slices.Contains(f.Results, d.Name) {
		return o.resultClash(ctx, client.ObjectKey{Namespace: s.Namespace, Name: d.Name}, f)
	}
	return nil
}

// resultClash asks the API server who has the name of a result: the cache has no objects that are not crmkeep's.
func (o *Observer) resultClash(ctx context.Context, key client.ObjectKey, f *facts.Drill) error {
	there := &metav1.PartialObjectMetadata{}
	there.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	there, err := get(ctx, o.Uncached, key, there)
	if err == nil && there != nil && there.Labels[naming.LabelManagedBy] != naming.ManagedBy {
		f.ResultClash = "ConfigMap " + key.Name
	}
	return err
}
