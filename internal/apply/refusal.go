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

// growing is what to do about a volume whose size the API server does not accept.
const growing = "Set the size back, or ask the platform for a StorageClass that allows volumes to grow; none ever shrinks"

// refusal makes an error of a write. What the API server finds invalid, such as a change to an immutable field, stays so until
// the declaration is edited; everything else is transient, but for a volume that its StorageClass does not let grow: somebody has to
// change one or the other, and no watch tells of a StorageClass.
func refusal(d *declaration, err error) error {
	claim := d.ref.Kind == "PersistentVolumeClaim"
	switch {
	case apierrors.IsInvalid(err):
		return outcome.Reject(v1alpha1.ReasonInvalid, "%s", unaccepted(d, strings.Join(complaints(err), "; "), claim))
	case apierrors.IsForbidden(err) && claim && strings.Contains(err.Error(), mayNotGrow):
		return outcome.Wait(v1alpha1.ReasonRetrying, recheck, "%s", unaccepted(d, mayNotGrow, claim))
	}
	return fmt.Errorf("applying %s: %w", d.ref, err)
}

// mayNotGrow is in what the API server's admission says of a volume that its StorageClass does not let grow.
const mayNotGrow = "the storageclass that provisions the pvc must support resize"

func unaccepted(d *declaration, complaint string, claim bool) string {
	said := fmt.Sprintf("the API server does not accept %s: %s", d.ref, complaint)
	if d.field != "" {
		said = d.field + ": " + said
	}
	if claim {
		said += ". " + growing
	}
	return said
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
