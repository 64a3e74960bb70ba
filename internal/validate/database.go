package validate

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// retainedElsewhere refuses an environment made again with the other kind of database, which would start without the data that was retained.
func retainedElsewhere(env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	if !f.DataElsewhere || env.Status.Version != "" {
		return nil
	}
	where, instead := "outside", "with spec.database.external"
	if env.Spec.Database != nil {
		where, instead = "inside", "without spec.database.external"
	}
	return outcome.Reject(v1alpha1.ReasonDataElsewhere,
		"spec.database: the data that was retained of an environment of this name is in a database %s the cluster, and would stay behind; "+
			"delete this environment and declare it %s, or declare one of another name that has a backup as its source", where, instead)
}

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
