package validate

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// fallsBehind tells whether the CRM may come to let in whom the role policies no longer do: it is at rest, or its data is that of another
// time or place. The status still says Suspended in the pass that ends it, so a policy that came meanwhile is not missed.
func fallsBehind(env *v1alpha1.CRMEnvironment, t *target.Target, f *facts.Environment) bool {
	atRest := t.State == v1alpha1.StateSuspended || env.Status.State == v1alpha1.StateSuspended
	notItsOwn := env.Status.Version == "" && (t.Source != nil || t.Filled != nil || t.Current.Name != "")
	return atRest || f.Restoring != "" || notItsOwn
}
