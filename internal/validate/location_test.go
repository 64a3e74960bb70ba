package validate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestATenantUsesTheLocationsThatItMayInTheRegionsThatItsDataMayBeIn(t *testing.T) {
	transfer := []v1alpha1.RegionTransfer{{Region: "eu-west-1", Reason: "filing 2026-17 of the regulator"}}
	for sentence, c := range map[string]struct {
		allowed   []string
		transfers []v1alpha1.RegionTransfer
		region    v1alpha1.Region
		refused   string
	}{
		"any of its own region":                              {region: "cn-east-1"},
		"one of another region":                              {region: "eu-west-1", refused: "declare the transfer with its reason"},
		"one of another region, with a reason":               {region: "eu-west-1", transfers: transfer},
		"one of a third region":                              {region: "us-east-1", transfers: transfer, refused: "is in region us-east-1"},
		"one that is listed":                                 {region: "cn-east-1", allowed: []string{"other", "main"}},
		"one that is not listed":                             {region: "cn-east-1", allowed: []string{"other"}, refused: "spec.backupLocations"},
		"one that is listed, in another region":              {region: "eu-west-1", allowed: []string{"main"}, refused: "declare the transfer"},
		"one that is listed, in another region, with reason": {region: "eu-west-1", allowed: []string{"main"}, transfers: transfer},
		"one that is not listed, for all the reason":         {region: "eu-west-1", allowed: []string{"other"}, transfers: transfer, refused: "spec.backupLocations"},
	} {
		t.Run(sentence, func(t *testing.T) {
			tenant := build.Tenant("acme", func(t *v1alpha1.CRMTenant) {
				t.Spec.Region, t.Spec.BackupLocations, t.Spec.Transfers = "cn-east-1", c.allowed, c.transfers
			})
			l := &v1alpha1.CRMBackupLocation{Spec: v1alpha1.CRMBackupLocationSpec{Region: c.region}}
			l.Name = "main"
			err := validate.Location(tenant, l)
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			invalid, ok := outcome.AsInvalid(err)
			require.True(t, ok, "got %v", err)
			assert.Equal(t, v1alpha1.ReasonNotAllowed, invalid.Reason)
			assert.Contains(t, invalid.Message, c.refused)
		})
	}
}
