// Package compile turns the role policies of an environment into a native plan, in the terms of the class's catalogue. It is pure, and
// neither the order of policies nor that of lists within them makes a difference.
//
// Policies combine by one rule: grants add up, and what restricts wins. A field that one role of a person hides is hidden, and an
// export that one role denies is denied, whatever the person's other roles say. Conflicts lists where that made a difference.
//
// Policies should be valid by validate.RolePolicy. What is not leads to fewer rights, never to more.
package compile

import (
	"cmp"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// Input is what rights follow from.
type Input struct {
	// Environment that the rights are in. Policies that do not name it are passed over.
	Environment string
	// Class of the environment.
	Class *v1alpha1.CRMClass
	// Policies of the environment's namespace.
	Policies []*v1alpha1.CRMRolePolicy
	// Now decides which bindings have expired.
	Now time.Time
}

// Program is what was compiled.
type Program struct {
	class    *v1alpha1.CRMClass
	policies []*v1alpha1.CRMRolePolicy
	exempt   []string
	objects  catalogue
	roles    map[string]*role
	people   map[string]holdings
	shown    map[string]v1alpha1.PolicyPerson
	next     time.Time
}

// Compile the policies.
func Compile(in Input) *Program {
	p := &Program{
		class: in.Class, exempt: access.ReservedLogins(in.Class), objects: newCatalogue(in.Class),
		roles: make(map[string]*role), people: make(map[string]holdings), shown: make(map[string]v1alpha1.PolicyPerson),
	}
	for _, policy := range in.Policies {
		if access.In(policy, in.Environment) {
			p.policies = append(p.policies, policy)
		}
	}
	slices.SortFunc(p.policies, func(a, b *v1alpha1.CRMRolePolicy) int { return cmp.Compare(a.Name, b.Name) })
	for _, policy := range p.policies {
		p.addRoles(policy)
		p.addPeople(policy, in.Now)
		p.addShown(policy)
	}
	return p
}

// NextChange is when the next binding expires, and the plan changes by itself. Zero: never.
func (p *Program) NextChange() time.Time { return p.next }

// Plan for the CRM.
func (p *Program) Plan() access.Plan {
	plan := access.Plan{
		Models: p.objects.models(), Exempt: p.exempt,
		Drift: access.DriftRevert, UnknownAccounts: access.UnknownAccountsReport,
	}
	if len(p.policies) > 0 && !slices.ContainsFunc(p.policies, revertsDrift) {
		plan.Drift = access.DriftReport
	}
	if slices.ContainsFunc(p.policies, deactivatesUnknown) {
		plan.UnknownAccounts = access.UnknownAccountsDeactivate
	}
	native := newNativeRoles(p.roles)
	for _, login := range sortedKeys(p.people) {
		roles := native.forPerson(p.sourcesOf, sortedKeys(p.people[login]))
		plan.People = append(plan.People, access.Person{
			Login: login, DisplayName: cmp.Or(p.shown[login].DisplayName, login), Email: cmp.Or(p.shown[login].Email, email(login)),
			Roles: roles.names, Session: roles.session,
		})
	}
	for _, name := range sortedKeys(native.roles) {
		plan.Roles = append(plan.Roles, native.roles[name])
	}
	return plan
}

// Of several policies, the strictest way with drift and unknown accounts holds.
func revertsDrift(p *v1alpha1.CRMRolePolicy) bool {
	return access.Drift(p.Spec.Drift) != access.DriftReport
}

func deactivatesUnknown(p *v1alpha1.CRMRolePolicy) bool {
	return access.UnknownAccounts(p.Spec.UnknownAccounts) == access.UnknownAccountsDeactivate
}
