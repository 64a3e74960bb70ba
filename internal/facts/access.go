package facts

import "github.com/crmkeep/crmkeep/api/v1alpha1"

// Access is what was read for the role policies of one CRMEnvironment.
type Access struct {
	// Class is nil when there is none.
	Class *v1alpha1.CRMClass
	// Policies of the environment's namespace, those that do not name the environment too.
	Policies []*v1alpha1.CRMRolePolicy
	// WebName is the component that answers for the CRM; empty when the class has none.
	WebName string
	// Web is that component as it runs.
	Web Workload
	// Restoring names the CRMRestore that is being put into the environment; empty when there is none.
	Restoring string
}
