package metrics_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// cached are objects as the manager's cache holds them.
func cached(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// scrape gives every sample of what statuses tell and of drills, by the metric's name and then by its labels in the order of their names.
func scrape(t *testing.T, reader client.Reader) (map[string]map[string]float64, error) {
	t.Helper()
	all, err := scrapeAll(t, reader)
	maps.DeleteFunc(all, func(name string, _ map[string]float64) bool { return slices.Contains(ofAdapters, name) })
	return all, err
}

// ofAdapters are metrics of the process as a whole, whichever objects there are.
var ofAdapters = []string{"crmkeep_adapter_calls_total", "crmkeep_adapter_duration_seconds", "crmkeep_leaver_out_seconds"}

func scrapeAll(t *testing.T, reader client.Reader) (map[string]map[string]float64, error) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(metrics.NewCollector(reader)))
	families, err := registry.Gather()
	out := map[string]map[string]float64{}
	for _, f := range families {
		out[f.GetName()] = map[string]float64{}
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetName() + "=" + l.GetValue() + " "
			}
			out[f.GetName()][labels] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return out, err
}

func backup(name, phase string, age time.Duration, change ...func(*v1alpha1.CRMBackup)) *v1alpha1.CRMBackup {
	b := &v1alpha1.CRMBackup{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: name, CreationTimestamp: metav1.NewTime(noon.Add(-age))}}
	b.Spec.EnvironmentRef.Name, b.Status.Phase = "prod", phase
	for _, c := range change {
		c(b)
	}
	return b
}

func complete(b *v1alpha1.CRMBackup) {
	b.Status.StartedAt, b.Status.CompletedAt = &b.CreationTimestamp, &metav1.Time{Time: b.CreationTimestamp.Add(90 * time.Second)}
	b.Status.Record = &v1alpha1.BackupRecord{Bytes: 4096}
	b.Status.Locations = []v1alpha1.BackupLocationStatus{{Name: "east", Phase: v1alpha1.PhaseComplete}}
}

func world() []client.Object {
	env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Status.Encryption = &v1alpha1.EncryptionStatus{KeyVersion: 4, NeededKeyVersion: 2}
		e.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionRolesEnforced, Status: metav1.ConditionTrue}}
		e.Status.Access = &v1alpha1.AccessStatus{
			Policies: []v1alpha1.AccessPolicyStatus{{Name: "sales", State: v1alpha1.AccessEnforced}}, People: 12,
			ClosedSince: &metav1.Time{Time: noon}, Administrator: v1alpha1.AdministratorOpen,
			Drift: []v1alpha1.AccessDifference{{Subject: "role sales.rep"}}, UnknownAccounts: []string{"ghost", "demo"},
			Leavers: []v1alpha1.LeaverStatus{{Name: "li.na"}, {Name: "wei", DoneAt: &metav1.Time{Time: noon}}},
		}
	})
	s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "nightly"}}
	s.Spec.EnvironmentRef.Name = "prod"
	s.Status = v1alpha1.CRMBackupScheduleStatus{
		LastBackup: &metav1.Time{Time: noon}, LastProven: &metav1.Time{Time: noon.Add(-time.Hour)},
		MeasuredRTOSeconds: build.Pointer[int64](300), MeasuredRPOSeconds: build.Pointer[int64](600),
		Conditions: []metav1.Condition{{Type: v1alpha1.ConditionBackupHealthy, Status: metav1.ConditionTrue}},
	}
	l := &v1alpha1.CRMBackupLocation{ObjectMeta: metav1.ObjectMeta{Name: "east"}}
	return []client.Object{
		env, s, l, backup("old", v1alpha1.PhaseComplete, 3*time.Hour, complete), backup("good", v1alpha1.PhaseComplete, 2*time.Hour, complete),
		backup("failed", v1alpha1.PhaseFailed, time.Hour),
		backup("now", v1alpha1.PhaseRunning, 0, func(b *v1alpha1.CRMBackup) { b.Status.Progress = &v1alpha1.BackupProgress{BytesDone: 77} }),
	}
}

func TestTheMetricsAreThoseOfTheStatuses(t *testing.T) {
	metrics.CountDrill("acme", "prod", "nightly", v1alpha1.PhaseFailed)
	metrics.CountDrill("acme", "prod", "nightly", v1alpha1.PhaseFailed)
	t.Cleanup(func() { metrics.ForgetSchedule("acme", "prod", "nightly") })
	got, err := scrape(t, cached(t, world()...))
	require.NoError(t, err)
	const prod, nightly = "environment=prod tenant=acme ", "environment=prod schedule=nightly tenant=acme "
	want := map[string]map[string]float64{
		"crmkeep_backup_last_timestamp_seconds":          {prod: float64(noon.Add(-2*time.Hour + 90*time.Second).Unix())},
		"crmkeep_backup_last_bytes":                      {prod: 4096},
		"crmkeep_backup_last_duration_seconds":           {prod: 90},
		"crmkeep_backup_phase":                           {"environment=prod phase=Running tenant=acme ": 1},
		"crmkeep_backup_running_bytes":                   {prod: 77},
		"crmkeep_environment_key_version":                {prod: 4},
		"crmkeep_environment_key_needed_version":         {prod: 2},
		"crmkeep_schedule_last_backup_timestamp_seconds": {nightly: float64(noon.Unix())},
		"crmkeep_schedule_last_proven_timestamp_seconds": {nightly: float64(noon.Add(-time.Hour).Unix())},
		"crmkeep_schedule_backup_healthy":                {nightly: 1},
		"crmkeep_schedule_measured_rto_seconds":          {nightly: 300},
		"crmkeep_schedule_measured_rpo_seconds":          {nightly: 600},
		"crmkeep_drills_total":                           {"environment=prod result=Failed schedule=nightly tenant=acme ": 2},
		"crmkeep_backup_location_ready":                  {"location=east ": 0},
		"crmkeep_environment_roles_enforced":             {prod: 1},
		"crmkeep_environment_people":                     {prod: 12},
		"crmkeep_environment_drift_differences":          {prod: 1},
		"crmkeep_environment_unknown_accounts":           {prod: 2},
		"crmkeep_environment_leavers_pending":            {prod: 1},
		"crmkeep_environment_closed_timestamp_seconds":   {prod: float64(noon.Unix())},
		"crmkeep_environment_administrator_open":         {prod: 1},
	}
	assert.Equal(t, want, got)

	var names []string
	for _, m := range metrics.All {
		names = append(names, m.Name)
	}
	assert.ElementsMatch(t, slices.Concat(slices.Collect(maps.Keys(want)), ofAdapters), names, "what the reference lists is what is served")
}

func TestWhatIsGoneIsToldOfNoMore(t *testing.T) {
	metrics.CountDrill("acme", "prod", "nightly", v1alpha1.PhaseComplete)
	metrics.ForgetSchedule("acme", "prod", "nightly")
	got, err := scrape(t, cached(t))
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestTheWorkOfAdaptersIsCounted(t *testing.T) {
	before, err := scrapeAll(t, cached(t))
	require.NoError(t, err)
	metrics.ObserveAdapter("demo", "Apply", 7, 3*time.Second, nil)
	metrics.ObserveAdapter("demo", "Apply", 2, 4*time.Second, errors.New("the CRM does not answer"))
	metrics.ObserveLeaver("demo", 12*time.Second)
	after, err := scrapeAll(t, cached(t))
	require.NoError(t, err)
	for name, want := range map[string]map[string]float64{
		"crmkeep_adapter_calls_total":      {"adapter=demo ": 9},
		"crmkeep_adapter_duration_seconds": {"adapter=demo mode=Apply result=Succeeded ": 3, "adapter=demo mode=Apply result=Failed ": 4},
		"crmkeep_leaver_out_seconds":       {"adapter=demo ": 12},
	} {
		for labels, more := range want {
			assert.InDelta(t, more, after[name][labels]-before[name][labels], 0.01, "%s of %s", name, labels)
		}
	}
}

func TestNothingIsToldOfRolesWhereNoPolicyHolds(t *testing.T) {
	env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Status.Access = &v1alpha1.AccessStatus{Administrator: v1alpha1.AdministratorLocked}
		e.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionRolesEnforced, Status: metav1.ConditionFalse}}
	})
	got, err := scrape(t, cached(t, env))
	require.NoError(t, err)
	assert.Equal(t, map[string]map[string]float64{"crmkeep_environment_administrator_open": {"environment=prod tenant=acme ": 0}}, got)
}

func TestWhatIsNotKnownIsNotTold(t *testing.T) {
	s := &v1alpha1.CRMBackupSchedule{ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: "new"}}
	elsewhere := backup("stray", v1alpha1.PhaseComplete, 0, complete)
	elsewhere.Namespace = "default"
	got, err := scrape(t, cached(t, build.Environment("acme", "prod"), s, backup("new", "", 0), elsewhere))
	require.NoError(t, err)
	assert.Equal(t, map[string]map[string]float64{"crmkeep_schedule_backup_healthy": {"environment= schedule=new tenant=acme ": 0}}, got)
}

// closed is a cache that cannot be read.
type closed struct{ client.Reader }

func (closed) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("the cache is closed")
}

func TestACacheThatCannotBeReadIsSaid(t *testing.T) {
	_, err := scrape(t, closed{})
	require.ErrorContains(t, err, "the cache is closed")
}
