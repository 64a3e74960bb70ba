package explain

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/terminal"
)

// Enforcement says how far the CRM itself enforces now what an answer says is declared.
type Enforcement struct {
	// Status is that of the environment's condition RolesEnforced: True, False, or Unknown where nothing is known.
	Status metav1.ConditionStatus `json:"status"`
	// Reason of the condition, and what it says. Of files there is no reason.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Policies that the answer comes from and that are not in the CRM as they are declared now.
	Policies []v1alpha1.AccessPolicyStatus `json:"policies,omitempty"`
	// NotEnforced are rules of the answer's roles that the CRM does not enforce as they are declared.
	NotEnforced []NotEnforced `json:"notEnforced,omitempty"`
	// Others can log in whatever the policies say: accounts that no policy names, leavers who are not out yet, and the CRM's own administrator
	// while the glass is broken.
	Others []string `json:"others,omitempty"`
}

// NotEnforced is a rule that the CRM does not enforce as it is declared.
type NotEnforced struct {
	Policy string `json:"policy"`
	Role   string `json:"role"`
	// Reason why not, and what to do.
	Reason string `json:"reason"`
}

// unseen is known of files.
var unseen = Enforcement{
	Status: metav1.ConditionUnknown, Message: "files do not tell what the CRM enforces; ask the cluster, with --environment NAMESPACE/NAME and without -f",
}

// enforcement of roles, named "<policy>.<role>".
func (d *declared) enforcement(roles []string) Enforcement {
	if !d.seen {
		return unseen
	}
	e := Enforcement{Status: metav1.ConditionUnknown, Message: "the operator has not looked at the environment as it is declared now; ask again in a moment"}
	c := meta.FindStatusCondition(d.environment.Status.Conditions, v1alpha1.ConditionRolesEnforced)
	if c != nil && c.ObservedGeneration == d.environment.Generation {
		e.Status, e.Reason, e.Message = c.Status, c.Reason, c.Message
	}
	e.Others = d.others()
	for _, p := range d.policies {
		names := rolesOf(p.Name, roles)
		if len(names) == 0 {
			continue
		}
		if state := d.stateOf(p); state.State != v1alpha1.AccessEnforced {
			e.Policies = append(e.Policies, state)
		}
		for _, n := range p.Status.NotEnforced {
			if n.Environment == d.environment.Name && slices.Contains(names, n.Role) {
				e.NotEnforced = append(e.NotEnforced, NotEnforced{Policy: p.Name, Role: n.Role, Reason: n.Reason})
			}
		}
	}
	return e
}

// others who can log in, as they were last seen.
func (d *declared) others() []string {
	seen := d.environment.Status.Access
	if seen == nil {
		return nil
	}
	others := slices.Clone(seen.UnknownAccounts)
	for _, l := range seen.Leavers {
		if l.DoneAt == nil {
			others = append(others, l.Name)
		}
	}
	if a := d.class.Spec.Admin; a != nil && seen.Administrator == v1alpha1.AdministratorOpen {
		others = append(others, a.Login)
	}
	slices.Sort(others)
	return slices.Compact(others)
}

// rolesOf a policy among roles, without its name.
func rolesOf(policy string, roles []string) []string {
	var names []string
	for _, name := range roles {
		if of, role, _ := strings.Cut(name, "."); of == policy {
			names = append(names, role)
		}
	}
	return names
}

// stateOf a policy as it is declared now.
func (d *declared) stateOf(p *v1alpha1.CRMRolePolicy) v1alpha1.AccessPolicyStatus {
	if seen := d.environment.Status.Access; seen != nil {
		i := slices.IndexFunc(seen.Policies, func(s v1alpha1.AccessPolicyStatus) bool { return s.Name == p.Name })
		if i >= 0 && seen.Policies[i].Generation == p.Generation {
			return seen.Policies[i]
		}
	}
	return v1alpha1.AccessPolicyStatus{Name: p.Name, Generation: p.Generation, State: v1alpha1.AccessPending}
}

func (e *Enforcement) print(w *table) {
	w.line("")
	switch {
	case e.Reason == "":
		w.line("Whether the CRM enforces this is not known: %s", e.Message)
	case e.Status == metav1.ConditionTrue && len(e.Policies) > 0:
		w.line("The CRM does not enforce this yet; it enforces what was declared before.")
	case e.Status == metav1.ConditionTrue:
		w.line("The CRM enforces what is declared.")
	default:
		w.line("The CRM does not enforce all that is declared (%s): %s", e.Reason, terminal.Line(e.Message))
	}
	for _, p := range e.Policies {
		w.line("policy %s is %s%s", p.Name, p.State, because(p.Message))
	}
	for _, n := range e.NotEnforced {
		w.line("not enforced as declared: %s: %s", access.RoleName(n.Policy, n.Role), terminal.Line(n.Reason))
	}
	for _, login := range e.Others {
		w.line("%s can log in, whatever the policies say", terminal.Line(login))
	}
}

func because(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf(": %s", terminal.Line(message))
}
