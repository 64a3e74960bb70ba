package status

import (
	"fmt"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// RolesEnforced is the outcome of the condition of that name: nil when every role policy holds in the environment's CRM. It follows from the
// declaration and status.access alone, so whoever writes a status writes the same.
func RolesEnforced(env *v1alpha1.CRMEnvironment) error {
	a := env.Status.Access
	if a == nil {
		return noPolicy()
	}
	if message := refusals(a.Policies); message != "" {
		return outcome.Wait(v1alpha1.ReasonPolicyRefused, 0, "%s", message)
	}
	if f := a.Failure; f != nil {
		return outcome.Wait(f.Reason, 0, "%s", f.Message)
	}
	switch {
	case len(a.Policies) == 0 && (a.EnforcedAt != nil || a.PlanDigest == ""):
		return noPolicy() // The people of the last one are out.
	case a.EnforcedAt == nil:
		return outcome.Wait(v1alpha1.ReasonProgressing, 0, "the CRM is brought to the role policies")
	case a.Administrator == v1alpha1.AdministratorOpen:
		return glassBroken(env.Spec.BreakGlass)
	}
	return lesser(a)
}

// lesser is where a CRM that was brought to the policies is not as they declare.
func lesser(a *v1alpha1.AccessStatus) error {
	switch {
	case len(a.UnknownNames) > 0:
		return outcome.Wait(v1alpha1.ReasonCatalogueMismatch, 0,
			"the CRM does not have %s, which the class's objects name; have the platform correct the class", some(a.UnknownNames, 5))
	case len(a.Drift) > 0:
		return outcome.Wait(v1alpha1.ReasonDrifted, 0, "%s in the CRM's own screens; see status.access.drift, and correct the CRM or the policy",
			counted(len(a.Drift), "difference was made", "differences were made"))
	case a.NotEnforced > 0:
		return outcome.Wait(v1alpha1.ReasonNotEnforceable, 0, "the CRM does not enforce %s as declared; status.notEnforced of the policies lists them",
			counted(int(a.NotEnforced), "rule", "rules"))
	}
	return nil
}

func noPolicy() error {
	return outcome.Wait(v1alpha1.ReasonNoPolicy, 0, "no CRMRolePolicy names the environment, so who may do what is what the CRM's own screens say")
}

// refusals names the refused policies, with why.
func refusals(policies []v1alpha1.AccessPolicyStatus) string {
	var all []string
	for _, p := range policies {
		if p.State == v1alpha1.AccessRefused {
			all = append(all, fmt.Sprintf("CRMRolePolicy %s: %s", p.Name, p.Message))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "; ") + ". Until it is corrected nothing new is enforced, and only leavers are put out"
}

func glassBroken(by *v1alpha1.BreakGlass) error {
	if by == nil {
		return outcome.Wait(v1alpha1.ReasonGlassBroken, 0, "the CRM's own administrator can still log in, and is about to be locked out")
	}
	return outcome.Wait(v1alpha1.ReasonGlassBroken, 0, "the CRM's own administrator can log in until %s, by %s: %s",
		by.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), by.By, by.Reason)
}

// some of the names, and how many more there are.
func some(names []string, shown int) string {
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
