package facts

import "github.com/crmkeep/crmkeep/api/v1alpha1"

// RolePolicy is what was read for one CRMRolePolicy.
type RolePolicy struct {
	// Environments that the policy names, in its order.
	Environments []PolicyEnvironment
	// Policies of the same namespace, the policy among them.
	Policies []*v1alpha1.CRMRolePolicy
}

// PolicyEnvironment is one that a policy names.
type PolicyEnvironment struct {
	Name string
	// Environment is nil when there is none.
	Environment *v1alpha1.CRMEnvironment
	// Class of the environment; nil when there is none.
	Class *v1alpha1.CRMClass
}
