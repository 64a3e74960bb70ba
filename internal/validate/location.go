package validate

import (
	"slices"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Location checks that a tenant may use a backup location: the platform has to have allowed it, and the data may be in its region.
func Location(tenant *v1alpha1.CRMTenant, l *v1alpha1.CRMBackupLocation) error {
	if allowed := tenant.Spec.BackupLocations; len(allowed) > 0 && !slices.Contains(allowed, l.Name) {
		return outcome.Reject(v1alpha1.ReasonNotAllowed,
			"location %s is not among spec.backupLocations of tenant %s; choose another, or ask the platform to add it", l.Name, tenant.Name)
	}
	if l.Spec.Region == tenant.Spec.Region ||
		slices.ContainsFunc(tenant.Spec.Transfers, func(t v1alpha1.RegionTransfer) bool { return t.Region == l.Spec.Region }) {
		return nil
	}
	return outcome.Reject(v1alpha1.ReasonNotAllowed,
		"location %s is in region %s, and the data of tenant %s belongs into %s; choose another, or declare the transfer with its reason in spec.transfers",
		l.Name, l.Spec.Region, tenant.Name, tenant.Spec.Region)
}

// LocationItself refuses a CA bundle that could not be read, before every run finds out.
func LocationItself(l *v1alpha1.CRMBackupLocation) error {
	if l.Spec.CABundle == "" {
		return nil
	}
	if _, err := config.ParseCABundle(l.Spec.CABundle); err != nil {
		return outcome.Reject(v1alpha1.ReasonInvalid,
			"spec.caBundle: %s; give the certificates of the CAs in PEM, or leave it out for the system's roots", err)
	}
	return nil
}
