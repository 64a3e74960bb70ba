// Package drill plans what a drill of a schedule consists of: the CRMRestore that it is, and its signed result. It is pure.
package drill

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/schedule"
)

// defaultTimeout of a drill.
const defaultTimeout = 2 * time.Hour

// Timeout of the schedule's drills. One that began before the drill was taken out of the schedule has the default.
func Timeout(s *v1alpha1.CRMBackupSchedule) time.Duration {
	if d := s.Spec.Drill; d != nil && d.TimeoutSeconds != nil {
		return time.Duration(*d.TimeoutSeconds) * time.Second
	}
	return defaultTimeout
}

// Restore is the CRMRestore of the schedule's drill: of the newest backup into an environment that ends by itself, should nobody else
// end it.
func Restore(s *v1alpha1.CRMBackupSchedule, name string) *v1alpha1.CRMRestore {
	ttl := int64(Timeout(s) / time.Second)
	return &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name, Labels: map[string]string{naming.LabelSchedule: s.Name}},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{NewestOf: &v1alpha1.NewestBackup{EnvironmentRef: s.Spec.EnvironmentRef}},
			To: v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{
				Name: naming.DrillEnvironment(s.Name), Purpose: v1alpha1.PurposeDrill, TTLSeconds: &ttl,
			}},
		},
	}
}

// Made tells whether a restore is a drill of the schedule. Nobody else can give it that label and that purpose.
func Made(s *v1alpha1.CRMBackupSchedule, r *v1alpha1.CRMRestore) bool {
	to := r.Spec.To.NewEnvironment
	return r.Labels[naming.LabelSchedule] == s.Name && to != nil && to.Purpose == v1alpha1.PurposeDrill
}

// Statement says what came of a drill that has ended.
func Statement(tenant string, s *v1alpha1.CRMBackupSchedule, d v1alpha1.DrillStatus, seen facts.Drill) evidence.DrillStatement {
	out := evidence.DrillStatement{
		Tenant: tenant, Environment: s.Spec.EnvironmentRef.Name, Schedule: s.Name, Drill: d.Name, Backup: d.Backup,
		ScheduledAt: d.ScheduledAt.UTC().Format(time.RFC3339), StartedAt: d.StartedAt.UTC().Format(time.RFC3339),
		EndedAt: d.CompletedAt.UTC().Format(time.RFC3339),
		Stages:  stages(d.Stages), Verdict: evidence.VerdictFailed, Message: d.Message,
	}
	if b := seen.Backup; b != nil && b.Status.Record != nil {
		out.ManifestDigest = b.Status.Record.ManifestDigest
	}
	if seen.Checks != nil {
		out.Checks = stages(seen.Checks.Each)
	}
	if d.Phase == v1alpha1.PhaseComplete {
		out.Verdict = evidence.VerdictPassed
		out.RTOSeconds = seconds(schedule.RTO(d.Stages))
		if lost, known := schedule.RPO(d, seen.Backup); known {
			out.RPOSeconds = seconds(lost)
		}
	}
	return out
}

func stages(of []v1alpha1.RecoveryStage) []evidence.Stage {
	var out []evidence.Stage
	for _, s := range of {
		out = append(out, evidence.Stage{Name: s.Name, Milliseconds: s.Milliseconds})
	}
	return out
}

func seconds(d time.Duration) *int64 {
	n := schedule.Seconds(d)
	return &n
}

// evidenceDrill is the value of naming.LabelEvidence.
const evidenceDrill = "drill"

// ResultLabels of the signed results of a schedule's drills.
func ResultLabels(s *v1alpha1.CRMBackupSchedule) map[string]string {
	tenant, _ := naming.TenantOfHome(s.Namespace)
	l := object.Labels(tenant, "")
	l[naming.LabelEvidence], l[naming.LabelSchedule] = evidenceDrill, s.Name
	return l
}

// Result plans the ConfigMap with a drill's signed statement. It belongs to the tenant: it outlives the schedule and the environment.
func Result(s *v1alpha1.CRMBackupSchedule, name string, signed evidence.Certificate) (object.Object, error) {
	data, err := signed.Data()
	if err != nil {
		return object.Object{}, err
	}
	return object.Object{CreateOnly: true, Configuration: corev1ac.ConfigMap(name, s.Namespace).
		WithLabels(ResultLabels(s)).WithImmutable(true).WithData(data)}, nil
}
