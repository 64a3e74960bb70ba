package statuscheck_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func TestTheContractOfAStatus(t *testing.T) {
	is := func(kind string, value metav1.ConditionStatus) metav1.Condition {
		return metav1.Condition{Type: kind, Status: value, Reason: "Some", Message: "do this", ObservedGeneration: 2}
	}
	cases := map[string]struct {
		conditions []metav1.Condition
		observed   int64
		want       string
	}{
		"ready":                          {conditions: []metav1.Condition{is("Ready", "True")}, observed: 2},
		"not ready because work goes on": {conditions: []metav1.Condition{is("Ready", "False"), is("Reconciling", "True")}, observed: 2},
		"not ready because stalled":      {conditions: []metav1.Condition{is("Ready", "False"), is("Stalled", "True")}, observed: 2},
		"nothing at all":                 {want: "Ready is missing"},
		"not ready without a cause":      {conditions: []metav1.Condition{is("Ready", "False")}, want: "neither"},
		"ready while work goes on":       {conditions: []metav1.Condition{is("Ready", "True"), is("Reconciling", "True")}, want: "while work goes on"},
		"reconciling and stalled": {
			conditions: []metav1.Condition{is("Ready", "False"), is("Reconciling", "True"), is("Stalled", "True")}, want: "exclude"},
		"reconciling that is kept as False": {
			conditions: []metav1.Condition{is("Ready", "True"), is("Reconciling", "False")}, want: "absent"},
		"a generation that does not exist yet": {conditions: []metav1.Condition{is("Ready", "True")}, observed: 3, want: "ahead"},
		"a condition without a generation": {
			conditions: []metav1.Condition{{Type: "Ready", Status: "True", Reason: "Some"}}, want: "no observedGeneration"},
		"a problem without a message": {conditions: []metav1.Condition{
			{Type: "Ready", Status: "False", Reason: "Some", ObservedGeneration: 1}, is("Reconciling", "True")}, want: "no message"},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			err := statuscheck.Check(2, c.observed, c.conditions)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}
