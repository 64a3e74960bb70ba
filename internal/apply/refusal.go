package apply

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// refusal makes an error of a write. What the API server finds invalid, such as a change to an immutable field, stays so until
// the declaration is edited; everything else is transient.
func refusal(ref Ref, err error) error {
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("applying %s: %w", ref, err)
	}
	return outcome.Reject(v1alpha1.ReasonInvalid, "the API server does not accept %s: %s", ref, strings.Join(complaints(err), "; "))
}

// complaints lists field and problem, without the values that the API server quotes between them.
func complaints(err error) []string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return []string{"no field was named"}
	}
	var list []string
	for _, cause := range status.Status().Details.Causes {
		list = append(list, fmt.Sprintf("%s: %s", cause.Field, problem(cause)))
	}
	return list
}

// problem takes what follows the value in a message such as `Invalid value: {…}: field is immutable`. Forbidden quotes no value, but
// may have a dump of the object in the lines below.
func problem(cause metav1.StatusCause) string {
	line, _, _ := strings.Cut(cause.Message, "\n")
	if detail, ok := strings.CutPrefix(line, "Forbidden: "); ok {
		return detail
	}
	last := strings.TrimSpace(line[strings.LastIndex(line, ": ")+1:])
	if last == "" || strings.ContainsAny(last[:1], `"{[`) {
		return string(cause.Type)
	}
	return last
}
