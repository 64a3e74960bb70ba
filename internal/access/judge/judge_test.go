package judge_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/judge"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// product cannot mask, and nothing else.
type product struct{ access.Adapter }

func (product) Unenforceable(plan access.Plan) []access.NotEnforced {
	var found []access.NotEnforced
	for _, r := range plan.Roles {
		for _, g := range r.Grants {
			for _, f := range g.Fields {
				if f.Access == access.AccessMasked {
					found = append(found, access.NotEnforced{Role: r.Name, Model: g.Model, Reason: "it is hidden"})
				}
			}
		}
	}
	return found
}

func (product) Bring(context.Context, access.Connection, access.Plan, access.Mode) (access.Report, error) {
	panic("a verdict calls no CRM")
}

var adapters = map[string]access.Adapter{"tryton": product{}}

// policy whose reps read contacts.
func policy(name string, change ...func(*v1alpha1.CRMRolePolicy)) *v1alpha1.CRMRolePolicy {
	p := &v1alpha1.CRMRolePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "crm-acme", Name: name, Generation: 3},
		Spec: v1alpha1.CRMRolePolicySpec{
			Environments: []string{"prod"},
			Roles: []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{
				{Objects: []string{"contact"}, Verbs: []v1alpha1.Verb{access.VerbRead}, Scope: "All"},
			}}},
			Bindings: []v1alpha1.RoleBinding{{Role: "rep", Subjects: []v1alpha1.Subject{{Kind: "User", Name: "li.na"}}}},
		},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

// prod is an environment of a class with contacts, in whose CRM the policy called sales is enforced.
func prod(change ...func(*facts.PolicyEnvironment)) facts.PolicyEnvironment {
	in := facts.PolicyEnvironment{
		Name: "prod",
		Environment: build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
			e.Status.Access = &v1alpha1.AccessStatus{
				Policies: []v1alpha1.AccessPolicyStatus{{Name: "sales", Generation: 3, State: v1alpha1.AccessEnforced}}}
		}),
		Class: build.Class(func(c *v1alpha1.CRMClass) {
			c.Spec.Adapter = "tryton"
			c.Spec.Files = append(c.Spec.Files, v1alpha1.ClassFile{Name: "adapter-password", Template: "${adapter.password}", Audience: "Migration"})
			c.Spec.Objects = []v1alpha1.ClassObject{{
				Name: "contact", Native: []string{"party.party"},
				Fields: []v1alpha1.ClassField{{Name: "phone", Native: "phone", Sensitivity: "Personal"}},
			}}
		}),
	}
	for _, c := range change {
		c(&in)
	}
	return in
}

func said(change func(*v1alpha1.AccessStatus)) func(*facts.PolicyEnvironment) {
	return func(in *facts.PolicyEnvironment) { change(in.Environment.Status.Access) }
}

var hidden = v1alpha1.NotEnforcedRule{
	Environment: "prod", Role: "rep", Objects: []string{"contact"}, State: v1alpha1.RuleNotEnforceable, Reason: "party.party: it is hidden",
}

// masked phones are what the product cannot do.
func masked(p *v1alpha1.CRMRolePolicy) {
	p.Spec.Roles[0].Rules[0].Fields = []v1alpha1.FieldRule{{Name: "phone", Access: "Masked"}}
}

func TestWhatBecameOfAPolicyInAnEnvironment(t *testing.T) {
	for sentence, c := range map[string]struct {
		policy      func(*v1alpha1.CRMRolePolicy)
		peers       []*v1alpha1.CRMRolePolicy
		in          facts.PolicyEnvironment
		want        string // empty: it is enforced
		says        string
		notEnforced []v1alpha1.NotEnforcedRule
	}{
		"it is enforced": {in: prod()},
		"it is enforced but for a rule": {in: prod(), policy: masked,
			notEnforced: []v1alpha1.NotEnforcedRule{hidden}},
		"there is no such environment": {in: facts.PolicyEnvironment{Name: "prod"}, want: "waits EnvironmentNotFound",
			says: "CRMEnvironment prod does not exist in namespace crm-acme"},
		"its class does not exist": {in: prod(func(in *facts.PolicyEnvironment) { in.Class = nil }), want: "waits ClassNotFound", says: "CRMClass demo"},
		"its class is wrong": {in: prod(func(in *facts.PolicyEnvironment) { in.Class.Spec.Files[0].Template = "${environment.ulr}" }),
			want: "waits ClassInvalid", says: "did you mean"},
		"its class has no adapter": {in: prod(func(in *facts.PolicyEnvironment) { in.Class.Spec.Adapter, in.Class.Spec.Files = "", nil }), want: "waits NoAdapter", says: "nothing of the policy is enforced",
			notEnforced: []v1alpha1.NotEnforcedRule{{Environment: "prod", Role: "rep", State: v1alpha1.RuleNotEnforceable,
				Reason: "class demo has no adapter, so nothing of the role is enforced in the product; use a class that has one"}}},
		"it names what is not in the catalogue": {
			in: prod(), policy: func(p *v1alpha1.CRMRolePolicy) { p.Spec.Roles[0].Rules[0].Objects = []string{"contcat"} },
			want: "refuses PolicyRefused", says: `did you mean "contact"?`},
		"it contradicts another one": {
			in: prod(), peers: []*v1alpha1.CRMRolePolicy{policy("more", func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings[0].Subjects[0].Name = "Li.Na" })},
			want: "refuses PolicyRefused", says: "Li.Na"},
		"another one names somebody alike elsewhere": {
			in: prod(), peers: []*v1alpha1.CRMRolePolicy{policy("more", func(p *v1alpha1.CRMRolePolicy) {
				p.Spec.Environments, p.Spec.Bindings[0].Subjects[0].Name = []string{"test"}, "Li.Na"
			})}},
		"the environment has refused it": {
			in: prod(said(func(a *v1alpha1.AccessStatus) {
				a.Policies[0].State, a.Policies[0].Message = v1alpha1.AccessRefused, "101 policies name the environment"
			})), want: "refuses PolicyRefused", says: "101 policies"},
		"it was edited since": {in: prod(said(func(a *v1alpha1.AccessStatus) { a.Policies[0].Generation = 2 })), want: "waits Progressing"},
		"it is new":           {in: prod(func(in *facts.PolicyEnvironment) { in.Environment.Status.Access = nil }), want: "waits Progressing"},
		"the CRM does not answer": {
			in: prod(said(func(a *v1alpha1.AccessStatus) {
				a.Policies[0].State = v1alpha1.AccessPending
				a.Failure = &v1alpha1.AccessFailure{Reason: v1alpha1.ReasonCRMUnreachable, Message: "nothing answers"}
			})), want: "waits CRMUnreachable", says: "nothing answers"},
		"it holds, and the CRM has stopped answering since": {in: prod(said(func(a *v1alpha1.AccessStatus) {
			a.Failure = &v1alpha1.AccessFailure{Reason: v1alpha1.ReasonCRMUnreachable, Message: "nothing answers"}
		}))},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := policy("sales")
			if c.policy != nil {
				c.policy(p)
			}
			seen := &facts.RolePolicy{Environments: []facts.PolicyEnvironment{c.in}, Policies: append(c.peers, p)}
			verdicts, _ := judge.Policy(p, seen, adapters, now)
			require.Len(t, verdicts, 1)
			got := verdicts[0]
			assert.Equal(t, "prod", got.Environment)
			assert.Equal(t, c.notEnforced, got.NotEnforced)
			if c.want == "" {
				require.NoError(t, got.Err)
				return
			}
			assert.Equal(t, c.want, kindOf(got.Err), "%v", got.Err)
			require.ErrorContains(t, got.Err, c.says)
		})
	}
}

func kindOf(err error) string {
	if w, ok := outcome.AsWaiting(err); ok {
		return "waits " + w.Reason
	}
	if i, ok := outcome.AsInvalid(err); ok {
		return "refuses " + i.Reason
	}
	return "neither"
}

func TestAPolicyIsJudgedAgainWhenABindingThatMattersExpires(t *testing.T) {
	expiring := func(after time.Duration, environments ...string) func(*v1alpha1.CRMRolePolicy) {
		return func(p *v1alpha1.CRMRolePolicy) {
			p.Spec.Environments, p.Spec.Bindings[0].ExpiresAt = environments, &metav1.Time{Time: now.Add(after)}
		}
	}
	p := policy("sales")
	seen := &facts.RolePolicy{Environments: []facts.PolicyEnvironment{prod()}, Policies: []*v1alpha1.CRMRolePolicy{
		p, policy("later", expiring(2*time.Hour, "prod")), policy("next", expiring(time.Hour, "test", "prod")),
		policy("over", expiring(-time.Hour, "prod")), policy("elsewhere", expiring(time.Minute, "test")),
	}}
	_, next := judge.Policy(p, seen, adapters, now)
	assert.Equal(t, now.Add(time.Hour), next.UTC())

	seen.Policies = seen.Policies[:1]
	_, next = judge.Policy(p, seen, adapters, now)
	assert.Zero(t, next)
}
