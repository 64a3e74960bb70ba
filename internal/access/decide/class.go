package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// unusable is why nothing of a policy can be enforced in environments of the class.
func unusable(class *v1alpha1.CRMClass, adapters map[string]access.Adapter) error {
	switch {
	case class == nil:
		return outcome.Wait(v1alpha1.ReasonClassNotFound, 0, "spec.classRef: there is no such CRMClass, so nothing is known of what its roles could be")
	case class.Spec.Adapter == "":
		return outcome.Wait(v1alpha1.ReasonNoAdapter, 0,
			"class %s has no adapter, so nothing of a role policy is enforced in the CRM; use a class that has one", class.Name)
	case adapters[class.Spec.Adapter] == nil:
		return outcome.Wait(v1alpha1.ReasonNoAdapter, 0,
			"class %s names adapter %q, which this build does not have, so nothing of a role policy is enforced in the CRM; it has %s",
			class.Name, class.Spec.Adapter, strings.Join(slices.Sorted(maps.Keys(adapters)), ", "))
	}
	return nil
}

// notRunningAgain is when to look again whether a CRM runs, although a watch tells.
const notRunningAgain = 5 * time.Minute

// notRunning is why the CRM cannot be called now. One that is being replaced pod by pod can.
func notRunning(env *v1alpha1.CRMEnvironment, seen *facts.Access) error {
	cause := ""
	switch {
	case env.Spec.State == v1alpha1.StateSuspended:
		cause = "spec.state is Suspended"
	case seen.Restoring != "":
		cause = fmt.Sprintf("CRMRestore %s puts a backup into its place", seen.Restoring)
	case env.Status.Namespace == "" || seen.WebName == "" || seen.Web.Wanted == 0:
		cause = "its application is not started"
	case seen.Web.Ready == 0:
		cause = fmt.Sprintf("no pod of component %s is ready", seen.WebName)
	default:
		return nil
	}
	return outcome.Wait(v1alpha1.ReasonCRMNotRunning, notRunningAgain, "the CRM does not run (%s); its roles are looked at as soon as it does", cause)
}

// catalogue names what a lookup of native names is good for: another generation of the class may name others, and another version of
// the product may have others.
func catalogue(env *v1alpha1.CRMEnvironment, class *v1alpha1.CRMClass) string {
	return fmt.Sprintf("%s/%d/%s", class.Name, class.Generation, env.Status.Version)
}

// classProblem says of an invalid class that it keeps anything new from being enforced.
func classProblem(class *v1alpha1.CRMClass, err error) error {
	if invalid, ok := outcome.AsInvalid(err); ok {
		return outcome.Wait(v1alpha1.ReasonClassInvalid, 0,
			"class %s: %s. Until the platform has corrected it nothing new is enforced, and only leavers are put out", class.Name, invalid.Message)
	}
	return err
}

// longestGlass is how long the administrator may be let in at a time.
const longestGlass = 24 * time.Hour

// administrator decides whether the account that the product came with can log in: when no policy is left somebody must be able to get in.
func (d *Decision) administrator(in Input, governed bool) {
	admin := in.Seen.Class.Spec.Admin
	if admin == nil {
		return
	}
	d.Plan.Administrator = access.Administrator{Login: admin.Login, State: v1alpha1.AdministratorLocked}
	glass := in.Environment.Spec.BreakGlass
	switch {
	case d.Program == nil && !wasLocked(in.Environment.Status.Access):
		d.Plan.Administrator = access.Administrator{} // Policies that never held lock nobody out.
	case !governed:
		d.Plan.Administrator.State = v1alpha1.AdministratorOpen
	case glass == nil || !glass.ExpiresAt.After(in.Now):
	case glass.ExpiresAt.Sub(in.Now) > longestGlass:
		d.Failure = cmp.Or(d.Failure, outcome.Reject(v1alpha1.ReasonInvalid,
			"spec.breakGlass.expiresAt: is more than 24 hours away, so the CRM's administrator stays locked; set it to an earlier time"))
	default:
		d.Plan.Administrator.State = v1alpha1.AdministratorOpen
		d.Next = earlier(d.Next, glass.ExpiresAt.Time)
	}
}

func wasLocked(known *v1alpha1.AccessStatus) bool { return known != nil && known.Administrator != "" }
