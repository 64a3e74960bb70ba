package statuscheck

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Is compares a status with its Summary as it is wanted, once the newest generation is observed. A status that breaks the contract on its
// way there ends the test at once: that would pass unseen while a test waits.
func Is(generation, observed int64, conditions []metav1.Condition, want string) error {
	if len(conditions) > 0 {
		if err := Check(generation, observed, conditions); err != nil {
			panic(err)
		}
	}
	if observed != generation {
		return fmt.Errorf("generation %d is not yet observed:%s", generation, Describe(conditions))
	}
	if got := Summary(conditions); got != want {
		return fmt.Errorf("it is %q:%s", got, Describe(conditions))
	}
	return nil
}

// Summary is how a person would read conditions: "Reconciling DatabaseStarting", "Stalled Invalid", "True Succeeded".
func Summary(conditions []metav1.Condition) string {
	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if c := meta.FindStatusCondition(conditions, kind); c != nil {
			return kind + " " + c.Reason
		}
	}
	if c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); c != nil {
		return string(c.Status) + " " + c.Reason
	}
	return "nothing"
}

// Describe has a line for each condition.
func Describe(conditions []metav1.Condition) string {
	var out strings.Builder
	for _, c := range conditions {
		fmt.Fprintf(&out, "\n\t%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
	}
	return out.String()
}
