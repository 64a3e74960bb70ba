package validate

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// quantities refuses what is not more than nothing: with a negative size an environment would make room for others in the tenant's limits.
func quantities(env *v1alpha1.CRMEnvironment) error {
	r := env.Spec.Resources
	if r == nil {
		return nil
	}
	var errs []error
	check := func(field string, q *resource.Quantity) {
		if q != nil && q.Sign() <= 0 {
			errs = append(errs, fmt.Errorf("spec.resources.%s: must be more than 0", field))
		}
	}
	compute := func(field string, c *v1alpha1.ComputeResources) {
		if c != nil {
			check(field+".resources.cpu", c.CPU)
			check(field+".resources.memory", c.Memory)
		}
	}
	for i, c := range r.Components {
		compute(fmt.Sprintf("components[%d]", i), c.Resources)
	}
	if d := r.Database; d != nil {
		compute("database", d.Resources)
		check("database.storage", d.Storage)
	}
	for i := range r.Volumes {
		check(fmt.Sprintf("volumes[%d].size", i), &r.Volumes[i].Size)
	}
	if err := errors.Join(errs...); err != nil {
		return outcome.Reject(v1alpha1.ReasonInvalid, "%s", err)
	}
	return nil
}
