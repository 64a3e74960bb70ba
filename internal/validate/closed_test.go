package validate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestPeopleAreKeptOutOfAGovernedEnvironmentThatMayHaveFallenBehind(t *testing.T) {
	since := metav1.Unix(1, 0)
	runs := func(w *world) { w.env.Status.Version, w.env.Status.State = "2.0", v1alpha1.StateRunning }
	cases := map[string]struct {
		change func(*world)
		want   bool
	}{
		"it runs":                        {runs, false},
		"it is made":                     {func(*world) {}, false},
		"it is migrated":                 {func(w *world) { w.env.Status.Version = "1.0" }, false},
		"it is quarantined":              {func(w *world) { runs(w); w.env.Spec.State = v1alpha1.StateQuarantined }, false},
		"it is suspended":                {func(w *world) { runs(w); w.env.Spec.State = v1alpha1.StateSuspended }, true},
		"it was suspended until now":     {func(w *world) { runs(w); w.env.Status.State = v1alpha1.StateSuspended }, true},
		"a backup is put into its place": {func(w *world) { runs(w); w.seen.Restoring = "back" }, true},
		"it is what was retained":        {func(w *world) { w.seen.RecordedVersion = "1.0" }, true},
		"it has a copy's data": {func(w *world) {
			w.seen.RecordedSource = &v1alpha1.EnvironmentSourceStatus{Backup: "nightly", Version: "2.0"}
		}, true},
		"it was a copy, and runs": {func(w *world) {
			runs(w)
			w.env.Status.Source = &v1alpha1.EnvironmentSourceStatus{Backup: "nightly", Version: "2.0"}
		}, false},
		"the roles are yet to hold": {func(w *world) {
			runs(w)
			w.env.Status.Access = &v1alpha1.AccessStatus{ClosedSince: &since}
		}, true},
		"the roles hold": {func(w *world) {
			runs(w)
			w.env.Status.Access = &v1alpha1.AccessStatus{EnforcedAt: &since}
		}, false},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(c.change)
			w.seen.Governed = true
			got, err := validate.Environment(build.Settings(), w.env, &w.seen)
			require.NoError(t, err)
			assert.Equal(t, c.want, got.Closed)

			w.seen.Governed = false
			got, err = validate.Environment(build.Settings(), w.env, &w.seen)
			require.NoError(t, err)
			assert.False(t, got.Closed, "nobody would let them in again")
		})
	}
}

func TestPeopleAreKeptOutOfACopyThatIsFilled(t *testing.T) {
	seen := facts.Environment{
		Tenant: build.Tenant("acme"), Class: build.Class(), Governed: true,
		Source: &facts.Source{Backups: []v1alpha1.CRMBackup{backupOf("prod", "nightly")}, Environments: []v1alpha1.CRMEnvironment{keyed("prod")}},
	}
	got, err := validate.Environment(build.Settings(), copyOf(ofBackup("nightly")), &seen)
	require.NoError(t, err)
	assert.NotNil(t, got.Source)
	assert.True(t, got.Closed)
}
