// Package object is what a plan consists of.
package object

import (
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Object is one declared object. Its fields are those of apply.Object, which the plan cannot import: that package has a client.
type Object struct {
	// Configuration is a typed apply configuration.
	Configuration runtime.ApplyConfiguration
	// CreateOnly keeps an object as it is once it exists.
	CreateOnly bool
	// Field of the environment that decides what the API server may refuse of the object; empty where no one field does.
	Field string
}

// Labels of an object of a tenant, and of an environment unless that is empty.
func Labels(tenant, environment string) map[string]string {
	l := map[string]string{naming.LabelManagedBy: naming.ManagedBy, naming.LabelTenant: tenant}
	if environment != "" {
		l[naming.LabelEnvironment] = environment
	}
	return l
}
