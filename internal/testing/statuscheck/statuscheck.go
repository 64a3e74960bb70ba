// Package statuscheck is the contract of every status that crmkeep writes, as a check: kstatus and the tools built on it read
// a status that keeps it without knowing the kind.
package statuscheck

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Check says everything that is wrong with the conditions of an object of that generation, whose status has observed another.
func Check(generation, observed int64, conditions []metav1.Condition) error {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return errors.New("Ready is missing: kstatus takes an object without conditions for a finished one") //nolint:staticcheck // a type's name
	}
	reconciling := meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling) != nil
	stalled := meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled) != nil
	errs := []error{agree(ready.Status == metav1.ConditionTrue, reconciling, stalled)}
	if observed > generation {
		errs = append(errs, fmt.Errorf("observedGeneration %d is ahead of generation %d", observed, generation))
	}
	for _, c := range conditions {
		errs = append(errs, condition(generation, c))
	}
	return errors.Join(errs...)
}

// agree checks that exactly one of Ready, Reconciling and Stalled is true.
func agree(ready, reconciling, stalled bool) error {
	switch {
	case reconciling && stalled:
		return errors.New("Reconciling and Stalled exclude one another") //nolint:staticcheck // types' names
	case !ready && !reconciling && !stalled:
		return errors.New("Ready is not True, and neither Reconciling nor Stalled says why") //nolint:staticcheck // a type's name
	case ready && (reconciling || stalled):
		return errors.New("Ready is True while work goes on or is stalled") //nolint:staticcheck // a type's name
	}
	return nil
}

func condition(generation int64, c metav1.Condition) error {
	switch abnormal := c.Type == v1alpha1.ConditionReconciling || c.Type == v1alpha1.ConditionStalled; {
	case abnormal && c.Status != metav1.ConditionTrue:
		return fmt.Errorf("%s is %s: it must be absent unless True", c.Type, c.Status)
	case c.ObservedGeneration > generation:
		return fmt.Errorf("%s has observedGeneration %d, ahead of generation %d", c.Type, c.ObservedGeneration, generation)
	case c.ObservedGeneration == 0:
		return fmt.Errorf("%s has no observedGeneration", c.Type)
	case c.Reason == "":
		return fmt.Errorf("%s has no reason", c.Type)
	case c.Status != metav1.ConditionTrue && c.Message == "":
		return fmt.Errorf("%s is %s and no message says what to do", c.Type, c.Status)
	}
	return nil
}
