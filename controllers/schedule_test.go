package controllers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func (p protected) schedule(t *testing.T, name string, change ...func(*v1alpha1.CRMBackupSchedule)) *v1alpha1.CRMBackupSchedule {
	t.Helper()
	s := &v1alpha1.CRMBackupSchedule{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: name},
		Spec: v1alpha1.CRMBackupScheduleSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: p.env.Name}, Schedule: "* * * * *", WindowSeconds: build.Pointer[int64](0), Locations: p.locations,
		},
	}
	for _, c := range change {
		c(s)
	}
	p.create(t, s)
	return s
}

func (in *installation) scheduleComesTo(t *testing.T, s *v1alpha1.CRMBackupSchedule, want string) {
	t.Helper()
	in.until(t, "schedule "+s.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		return statuscheck.Is(s.Generation, s.Status.ObservedGeneration, s.Status.Conditions, want)
	})
}

// says waits until the environment says so of its backups.
func (p protected) says(t *testing.T, reason string) {
	t.Helper()
	p.until(t, "BackupHealthy says "+reason, func() error {
		if err := p.Get(t.Context(), client.ObjectKeyFromObject(p.env), p.env); err != nil {
			return err
		}
		c := meta.FindStatusCondition(p.env.Status.Conditions, v1alpha1.ConditionBackupHealthy)
		return mustBe(c != nil && c.Reason == reason, "%v", c)
	})
	assert.True(t, meta.IsStatusConditionTrue(p.env.Status.Conditions, v1alpha1.ConditionReady), "it does not gate Ready")
}

// earlier makes the record of a backup that the schedule has made so long ago, complete.
func (p protected) earlier(t *testing.T, s *v1alpha1.CRMBackupSchedule, age time.Duration) *v1alpha1.CRMBackup {
	t.Helper()
	at := time.Now().Add(-age).Truncate(time.Minute).UTC()
	b := &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace, Name: naming.ScheduledBackup(s.Name, at.Format("200601021504")),
			Labels: map[string]string{naming.LabelSchedule: s.Name}, Annotations: map[string]string{naming.AnnotationScheduledAt: at.Format(time.RFC3339)},
		},
		Spec: v1alpha1.CRMBackupSpec{EnvironmentRef: s.Spec.EnvironmentRef, Locations: s.Spec.Locations},
	}
	p.create(t, b)
	p.tells(t, "backup."+b.Name, 0, told(p.locations))
	p.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
	return b
}

func scheduleCatchesUpAndKeeps(t *testing.T, in *installation) {
	p := in.protected(t, "diligent")
	p.says(t, v1alpha1.ReasonNoSchedule)
	suspended := func(s *v1alpha1.CRMBackupSchedule) {
		s.Spec.State, s.Spec.Retention = "Suspended", &v1alpha1.BackupRetention{Last: build.Pointer[int32](1)}
	}
	s := p.schedule(t, "often", suspended)
	in.scheduleComesTo(t, s, "True ScheduleSuspended")
	p.says(t, v1alpha1.ReasonNoSchedule)
	before := p.earlier(t, s, 3*time.Hour)

	// Hours of runs were missed: one of them is made.
	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.State = "" })
	var made *v1alpha1.CRMBackup
	in.until(t, "a backup is made", func() error {
		all := p.ofSchedule(t, s)
		for i := range all {
			if all[i].Name != before.Name {
				made = &all[i]
			}
		}
		return mustBe(made != nil, "%d backups", len(all))
	})
	at, err := time.Parse(time.RFC3339, made.Annotations[naming.AnnotationScheduledAt])
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now(), at, 2*time.Minute, "the newest that was missed")
	assert.Equal(t, naming.ScheduledBackup("often", at.UTC().Format("200601021504")), made.Name)
	p.run(t, "backup."+made.Name)
	assert.Len(t, p.ofSchedule(t, s), 2, "while it runs there is no other")
	edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Schedule = "0 0 1 1 *" })
	p.tells(t, "backup."+made.Name, 0, told(p.locations))

	// The older one is given up: first by the repositories.
	p.run(t, "care.often")
	assert.Len(t, p.ofSchedule(t, s), 2, "the record stays until the repositories have forgotten")
	p.tells(t, "care.often", 0, `{"locations":[{"name":"diligent-a"},{"name":"diligent-b"}]}`)
	in.gone(t, before)
	p.nothingIsLeft(t)
	p.says(t, v1alpha1.ReasonNeverProven)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(s), s))
	assert.NotNil(t, s.Status.LastCare)
	assert.NotNil(t, s.Status.LastBackup)
	require.NotNil(t, s.Status.NextBackup)
	assert.Equal(t, time.January, s.Status.NextBackup.UTC().Month())

	require.NoError(t, in.Delete(t.Context(), s))
	in.gone(t, s)
	p.says(t, v1alpha1.ReasonNoSchedule)
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(made), made), "the records outlive the schedule")
}

func twoSchedulesKeepTheirOwn(t *testing.T, in *installation) {
	p := in.protected(t, "doubled")
	var schedules [2]*v1alpha1.CRMBackupSchedule
	var before [2]*v1alpha1.CRMBackup
	for i, name := range []string{"often", "seldom"} {
		schedules[i] = p.schedule(t, name, func(s *v1alpha1.CRMBackupSchedule) {
			s.Spec.State, s.Spec.Retention = "Suspended", &v1alpha1.BackupRetention{Last: build.Pointer[int32](1)}
		})
		before[i] = p.earlier(t, schedules[i], 3*time.Hour)
	}
	for _, s := range schedules {
		edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.State = "" })
	}
	made := func(i int) (found *v1alpha1.CRMBackup) {
		for _, b := range p.ofSchedule(t, schedules[i]) {
			if b.Name != before[i].Name {
				found = &b
			}
		}
		return found
	}
	in.until(t, "both make a backup, and one of them waits", func() error {
		first, second := made(0), made(1)
		if first == nil || second == nil {
			return errors.New("they have not")
		}
		phases := first.Status.Phase + second.Status.Phase
		return mustBe(phases == "RunningPending" || phases == "PendingRunning", "%s and %s", first.Status.Phase, second.Status.Phase)
	})
	for _, s := range schedules {
		edit(t, in, s, func(s *v1alpha1.CRMBackupSchedule) { s.Spec.Schedule = "0 0 1 1 *" })
	}
	in.until(t, "both have made theirs and given up theirs", func() error {
		if of := p.running(t); strings.HasPrefix(of, "backup.") {
			p.tells(t, of, 0, told(p.locations))
		} else if of != "" {
			p.tells(t, of, 0, `{"locations":[{"name":"doubled-a"},{"name":"doubled-b"}]}`)
		}
		for i := range schedules {
			if n := len(p.ofSchedule(t, schedules[i])); n != 1 || made(i) == nil || made(i).Status.Phase != v1alpha1.PhaseComplete {
				return fmt.Errorf("schedule %s has %d backups: %+v", schedules[i].Name, n, made(i))
			}
		}
		return nil
	})
	p.nothingIsLeft(t)
}

// running names the environment's run that goes on, of which there is never more than one; empty when none does.
func (p protected) running(t *testing.T) (of string) {
	t.Helper()
	var pods corev1.PodList
	require.NoError(t, p.List(t.Context(), &pods, client.InNamespace(workloadNamespace(p.env)), client.HasLabels{naming.LabelRunOf}))
	for i := range pods.Items {
		if pods.Items[i].Status.Phase == corev1.PodRunning && pods.Items[i].DeletionTimestamp == nil {
			require.Empty(t, of, "two runs at once")
			of = pods.Items[i].Labels[naming.LabelRunOf]
		}
	}
	return of
}

func (p protected) ofSchedule(t *testing.T, s *v1alpha1.CRMBackupSchedule) []v1alpha1.CRMBackup {
	t.Helper()
	var list v1alpha1.CRMBackupList
	require.NoError(t, p.List(t.Context(), &list, client.InNamespace(s.Namespace), client.MatchingLabels{naming.LabelSchedule: s.Name}))
	return list.Items
}

func scheduleThatMeansNothing(t *testing.T, in *installation) {
	in.tenant(t, "vague")
	for i, c := range []struct{ schedule, zone, want string }{
		{"0 3 30 2 *", "", "Stalled ScheduleInvalid"},
		{"0 3 * * *", "Europe/Berlin", "Reconciling EnvironmentNotFound"},
	} {
		s := &v1alpha1.CRMBackupSchedule{
			ObjectMeta: metav1.ObjectMeta{Namespace: "crm-vague", Name: fmt.Sprintf("s%d", i)},
			Spec: v1alpha1.CRMBackupScheduleSpec{
				EnvironmentRef: v1alpha1.LocalReference{Name: "prod"}, Locations: []string{"any"},
				Schedule: v1alpha1.CronExpression(c.schedule), TimeZone: c.zone,
			},
		}
		in.create(t, s)
		in.scheduleComesTo(t, s, c.want)
	}
}
