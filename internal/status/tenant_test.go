package status_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func TestATenantsStatus(t *testing.T) {
	for sentence, c := range map[string]struct {
		applied error
		want    string
	}{
		"its home is there":                {nil, "True Succeeded"},
		"its home is somebody else's":      {outcome.Wait(v1alpha1.ReasonNameClash, 0, "rename it"), "Reconciling NameClash"},
		"its home cannot be made just now": {errors.New("connection refused"), "Reconciling Retrying"},
	} {
		t.Run(sentence, func(t *testing.T) {
			tenant := build.Tenant("acme")
			got := status.Tenant(tenant, 2, c.applied, now)
			require.NoError(t, statuscheck.Check(1, got.ObservedGeneration, got.Conditions))
			assert.Equal(t, c.want, summary(got.Conditions))
			assert.Equal(t, "crm-acme", got.Namespace)
			assert.EqualValues(t, 2, *got.Environments)

			tenant.Status = got
			assert.Equal(t, got, status.Tenant(tenant, 2, c.applied, later), "the same an hour later")
		})
	}
}

func TestATenantThatIsDeletedNamesWhatKeepsIt(t *testing.T) {
	tenant := build.Tenant("acme")
	tenant.Status = status.Tenant(tenant, 1, nil, now)
	got := status.TenantDeleting(tenant, 1, outcome.Wait(v1alpha1.ReasonEnvironmentsExist, 0, "prod"), later)
	require.NoError(t, statuscheck.Check(1, got.ObservedGeneration, got.Conditions))
	assert.Equal(t, "Reconciling EnvironmentsExist", summary(got.Conditions))
}
