package validate

import (
	"errors"
	"fmt"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// objects checks that each object of the catalogue has a native model, and that none is in two: a role that opens one object would open the
// other.
func objects(s *v1alpha1.CRMClassSpec) error {
	owner := make(map[string]string)
	var errs []error
	for i, o := range s.Objects {
		if len(o.Native) == 0 {
			errs = append(errs, fmt.Errorf("spec.objects[%d].native: must list at least one", i))
		}
		for _, native := range o.Native {
			if other, ok := owner[native]; ok {
				errs = append(errs, fmt.Errorf("spec.objects[%d].native: %q is in %q already; leave it in one of them", i, native, other))
			}
			owner[native] = o.Name
		}
	}
	return errors.Join(errs...)
}
