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
	if err := moreThanNothing("spec.resources", r.Components, r.Database, r.Volumes); err != nil {
		return outcome.Reject(v1alpha1.ReasonInvalid, "%s", err)
	}
	return nil
}

// sizeQuantities does the same for the sizes of a class.
func sizeQuantities(s *v1alpha1.CRMClassSpec) error {
	var errs []error
	for i := range s.Sizes {
		size := &s.Sizes[i]
		errs = append(errs, moreThanNothing(fmt.Sprintf("spec.sizes[%d]", i), size.Components, &size.Database, size.Volumes))
	}
	return errors.Join(errs...)
}

// quantitiesOfClass says which class it is, for who did not ask for that class.
func quantitiesOfClass(class *v1alpha1.CRMClass) error {
	if err := sizeQuantities(&class.Spec); err != nil {
		return fmt.Errorf("CRMClass %s: %w", class.Name, err)
	}
	return nil
}

func moreThanNothing(field string, components []v1alpha1.ComponentSize, database *v1alpha1.DatabaseSize, volumes []v1alpha1.VolumeSize) error {
	var errs []error
	check := func(name string, q *resource.Quantity) {
		if q != nil && q.Sign() <= 0 {
			errs = append(errs, fmt.Errorf("%s.%s: must be more than 0", field, name))
		}
	}
	compute := func(name string, c *v1alpha1.ComputeResources) {
		if c != nil {
			check(name+".resources.cpu", c.CPU)
			check(name+".resources.memory", c.Memory)
		}
	}
	for i, c := range components {
		compute(fmt.Sprintf("components[%d]", i), c.Resources)
	}
	if database != nil {
		compute("database", database.Resources)
		check("database.storage", database.Storage)
	}
	for i := range volumes {
		check(fmt.Sprintf("volumes[%d].size", i), &volumes[i].Size)
	}
	return errors.Join(errs...)
}
