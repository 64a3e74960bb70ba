package validate

import (
	"errors"
	"fmt"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// structure checks what a plan is built on. The API server has seen to it already, but not for a class that `crmkeep plan` reads from
// a file.
func structure(s *v1alpha1.CRMClassSpec) error {
	var errs []error
	web := 0
	for i, c := range s.Components {
		if c.Type != v1alpha1.ComponentWeb {
			continue
		}
		web++
		if c.Port == nil {
			errs = append(errs, fmt.Errorf("spec.components[%d].port: needed for type Web", i))
		}
	}
	if web != 1 {
		errs = append(errs, errors.New("spec.components: exactly one must have type Web; it is the one that people open"))
	}
	if len(s.Sizes) == 0 {
		errs = append(errs, errors.New("spec.sizes: must list at least one"))
	}
	return errors.Join(errs...)
}
