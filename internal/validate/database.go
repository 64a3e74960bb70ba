package validate

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// externalDatabase refuses a CA bundle that agents could not read, before every pod finds out.
func externalDatabase(env *v1alpha1.CRMEnvironment) error {
	d := env.Spec.Database
	if d == nil || d.External == nil || d.External.CABundle == "" {
		return nil
	}
	if _, err := config.ParseCABundle(d.External.CABundle); err != nil {
		return outcome.Reject(v1alpha1.ReasonInvalid,
			"spec.database.external.caBundle: %s; give the certificates of the CAs in PEM, or leave it out for the installation's own", err)
	}
	return nil
}
