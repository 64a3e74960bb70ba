package decide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const (
	li = "li.na@acme.example"
	bo = "bo.chen@acme.example"
)

// product is an adapter that enforces all but exports.
type product struct{ access.Adapter }

func (product) Unenforceable(plan access.Plan) (all []access.NotEnforced) {
	for _, r := range plan.Roles {
		for _, g := range r.Grants {
			if g.Export != access.ScopeNone {
				all = append(all, access.NotEnforced{Role: r.Name, Model: g.Model, Reason: "export: in any number"})
			}
		}
	}
	return all
}

func (product) Unknown(context.Context, access.Connection, []access.Model) ([]string, error) {
	panic("a decision calls no CRM")
}

// input is an environment that runs, with a policy that binds li.
func input(change ...func(*decide.Input)) decide.Input {
	class := build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Adapter = "tryton"
		c.Spec.Files = append(c.Spec.Files, v1alpha1.ClassFile{Name: "adapter", Template: "${adapter.password}", Audience: "Migration"})
		c.Spec.Objects = []v1alpha1.ClassObject{
			{Name: "contact", Native: []string{"party"}, OwnerField: "owner", TeamField: "team.id", Fields: []v1alpha1.ClassField{
				{Name: "phone", Native: "party.phone", Sensitivity: "Sensitive"}}},
			{Name: "deal", Native: []string{"deal"}},
		}
	})
	env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Status.Namespace, e.Status.Version = "crm-acme--prod", "2.0"
	})
	in := decide.Input{
		Environment: env, Adapters: map[string]access.Adapter{"tryton": product{}}, Now: now, Catalogue: "demo/1/2.0",
		Seen: &facts.Access{Class: class, Policies: policies(policy("sales", li)), WebName: "web", Web: facts.Workload{Exists: true, Wanted: 1, Ready: 1}},
	}
	for _, c := range change {
		c(&in)
	}
	return in
}

func policies(all ...*v1alpha1.CRMRolePolicy) []*v1alpha1.CRMRolePolicy { return all }

// policy binds people to the role rep, who read all contacts and their own with phones hidden.
func policy(name string, logins ...string) *v1alpha1.CRMRolePolicy {
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "crm-acme", Generation: 3}}
	p.Spec.Environments = []string{"prod"}
	p.Spec.Roles = []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{
		{Objects: []string{"contact"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "Team", Fields: []v1alpha1.FieldRule{{Name: "phone", Access: "Hidden"}}},
		{Objects: []string{"deal"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "All"},
	}}}
	b := v1alpha1.RoleBinding{Role: "rep"}
	for _, login := range logins {
		b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login})
	}
	p.Spec.Bindings = []v1alpha1.RoleBinding{b}
	return p
}

func loginsOf(d *decide.Decision) (logins []string) {
	for _, p := range d.Plan.People {
		logins = append(logins, p.Login)
	}
	return logins
}

// enforced is the status after what in comes to was enforced.
func enforced(in decide.Input) *v1alpha1.AccessStatus {
	d := decide.Decide(in)
	at := metav1.NewTime(now)
	return &v1alpha1.AccessStatus{PlanDigest: d.Digest, AskedAt: &at, EnforcedAt: &at, Policies: d.Policies}
}

func TestWhatIsAskedOfTheCRM(t *testing.T) {
	asBefore := func(in *decide.Input) { in.Environment.Status.Access = enforced(*in) }
	reporting := func(in *decide.Input) { in.Seen.Policies[0].Spec.Drift = "Report" }
	at := metav1.NewTime(now)
	for sentence, c := range map[string]struct {
		change []func(*decide.Input)
		want   access.Mode
	}{
		"a first policy is applied":                             {nil, access.ModeApply},
		"what was enforced is applied again, to revert drift":   {[]func(*decide.Input){asBefore}, access.ModeApply},
		"what was enforced is compared, to report drift":        {[]func(*decide.Input){reporting, asBefore}, access.ModeReport},
		"a first policy that only reports drift is applied too": {[]func(*decide.Input){reporting}, access.ModeApply},
		"a changed policy is applied": {[]func(*decide.Input){reporting, asBefore, func(in *decide.Input) {
			in.Seen.Policies[0].Spec.Bindings[0].Subjects[0].Name = bo
		}}, access.ModeApply},
		"what was not finished is applied": {[]func(*decide.Input){reporting, asBefore, func(in *decide.Input) {
			in.Environment.Status.Access.EnforcedAt = nil
		}}, access.ModeApply},
		"where people are kept out the plan is applied": {[]func(*decide.Input){reporting, asBefore, func(in *decide.Input) {
			in.Environment.Status.Access.ClosedSince = &at
		}}, access.ModeApply},
		"while somebody is to leave the plan is applied": {[]func(*decide.Input){reporting, asBefore, func(in *decide.Input) {
			in.Environment.Status.Access.Leavers = []v1alpha1.LeaverStatus{{Name: bo, AskedAt: at}}
		}}, access.ModeApply},
		"when the last policy goes its people are put out": {[]func(*decide.Input){asBefore, func(in *decide.Input) {
			in.Seen.Policies = nil
		}}, access.ModeApply},
		"after that the CRM is left alone": {[]func(*decide.Input){asBefore, func(in *decide.Input) {
			in.Seen.Policies = nil
			in.Environment.Status.Access = enforced(*in)
		}}, ""},
		"a policy of another environment asks nothing": {[]func(*decide.Input){func(in *decide.Input) {
			in.Seen.Policies[0].Spec.Environments = []string{"test"}
		}}, ""},
		"a policy that is being deleted holds no more": {[]func(*decide.Input){func(in *decide.Input) {
			in.Seen.Policies[0].DeletionTimestamp = &at
		}}, ""},
		"nobody logs in to a drill": {[]func(*decide.Input){func(in *decide.Input) {
			in.Environment.Spec.Purpose = v1alpha1.PurposeDrill
		}}, ""},
	} {
		d := decide.Decide(input(c.change...))
		assert.Equal(t, c.want, d.Mode, sentence)
		assert.NoError(t, d.Failure, sentence)
	}
}

func TestWhatIsInTheWayIsSaidWithItsReason(t *testing.T) {
	for sentence, c := range map[string]struct {
		change func(*decide.Input)
		reason string
		says   string
	}{
		"there is no class":           {func(in *decide.Input) { in.Seen.Class = nil }, v1alpha1.ReasonClassNotFound, "spec.classRef"},
		"the class has no adapter":    {func(in *decide.Input) { in.Seen.Class.Spec.Adapter = "" }, v1alpha1.ReasonNoAdapter, "use a class that has one"},
		"this build has no such one":  {func(in *decide.Input) { in.Seen.Class.Spec.Adapter = "other" }, v1alpha1.ReasonNoAdapter, "it has tryton"},
		"the class is invalid":        {func(in *decide.Input) { in.Seen.Class.Spec.Objects[1].Native = []string{"party"} }, v1alpha1.ReasonClassInvalid, "party"},
		"the CRM is of another class": {func(in *decide.Input) { in.UnknownNames = many(decide.MostUnknownNames) }, v1alpha1.ReasonCatalogueMismatch, "name0"},
		"the glass is broken for too long": {func(in *decide.Input) {
			in.Environment.Spec.BreakGlass = glass(25 * time.Hour)
		}, v1alpha1.ReasonInvalid, "spec.breakGlass.expiresAt"},
	} {
		d := decide.Decide(input(c.change))
		require.Error(t, d.Failure, sentence)
		reason, message := "", ""
		if waiting, ok := outcome.AsWaiting(d.Failure); ok {
			reason, message = waiting.Reason, waiting.Message
		} else if invalid, ok := outcome.AsInvalid(d.Failure); ok {
			reason, message = invalid.Reason, invalid.Message
		}
		assert.Equal(t, c.reason, reason, sentence)
		assert.Contains(t, message, c.says, sentence)
	}
}

func many(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("name%d", i))
	}
	return all
}

func TestTheCRMIsNotCalledWhileItDoesNotRun(t *testing.T) {
	for sentence, change := range map[string]func(*decide.Input){
		"suspended":   func(in *decide.Input) { in.Environment.Spec.State = v1alpha1.StateSuspended },
		"restored":    func(in *decide.Input) { in.Seen.Restoring = "monday" },
		"not started": func(in *decide.Input) { in.Seen.Web = facts.Workload{} },
		"not ready":   func(in *decide.Input) { in.Seen.Web.Ready = 0 },
		"not let in":  func(in *decide.Input) { in.Environment.Status.Namespace = "" },
	} {
		d := decide.Decide(input(change))
		waiting, ok := outcome.AsWaiting(d.NotRunning)
		require.True(t, ok, sentence)
		assert.Equal(t, v1alpha1.ReasonCRMNotRunning, waiting.Reason, sentence)
	}
	replaced := decide.Decide(input(func(in *decide.Input) { in.Seen.Web.Wanted = 2 }))
	assert.NoError(t, replaced.NotRunning, "one pod suffices to put somebody out")
}

func TestARefusedPolicyLetsEverybodyStayWhomAnyPolicyBinds(t *testing.T) {
	wrong := policy("wrong", bo)
	wrong.Spec.Roles[0].Rules[0].Objects = []string{"contcat"}
	ended := metav1.NewTime(now)
	wrong.Spec.Bindings = append(wrong.Spec.Bindings, v1alpha1.RoleBinding{
		Role: "rep", Subjects: []v1alpha1.Subject{{Kind: "User", Name: "gone"}}, ExpiresAt: &ended,
	})
	d := decide.Decide(input(func(in *decide.Input) { in.Seen.Policies = append(in.Seen.Policies, wrong) }))
	assert.Equal(t, access.ModePutOut, d.Mode)
	assert.Equal(t, []string{bo, li}, loginsOf(&d))
	assert.Empty(t, d.Digest)
	assert.Empty(t, d.Plan.Roles)
	assert.Equal(t, []string{"admin", access.OperatorLogin}, d.Plan.Exempt)
	require.Len(t, d.Policies, 2)
	assert.Equal(t, v1alpha1.AccessPending, d.Policies[0].State)
	assert.Equal(t, v1alpha1.AccessRefused, d.Policies[1].State)
	assert.Contains(t, d.Policies[1].Message, `did you mean "contact"?`)
}

func TestOfMoreThanAHundredPoliciesTheNewestAreRefused(t *testing.T) {
	d := decide.Decide(input(func(in *decide.Input) {
		in.Seen.Policies = nil
		for i := range 102 {
			p := policy(fmt.Sprintf("p%03d", 200-i), fmt.Sprintf("user%d", i))
			p.CreationTimestamp = metav1.NewTime(now.Add(time.Duration(i) * time.Minute))
			in.Seen.Policies = append(in.Seen.Policies, p)
		}
	}))
	assert.Equal(t, access.ModePutOut, d.Mode)
	require.Len(t, d.Policies, 100)
	var refused []string
	for _, p := range d.Policies {
		if p.State == v1alpha1.AccessRefused {
			refused = append(refused, p.Name)
			assert.Contains(t, p.Message, "it may have 100; merge some into one")
		}
	}
	assert.Equal(t, []string{"p099", "p100"}, refused, "those that came last")
	assert.Len(t, d.Plan.People, 102)
}

func glass(lasts time.Duration) *v1alpha1.BreakGlass {
	return &v1alpha1.BreakGlass{By: "boss", Reason: "the export hangs", ExpiresAt: metav1.NewTime(now.Add(lasts))}
}

func TestTheAdministratorIsLockedButForTheTimeOfABrokenGlass(t *testing.T) {
	for sentence, c := range map[string]struct {
		change func(*decide.Input)
		want   v1alpha1.AdministratorState
		next   time.Time
	}{
		"as a rule":             {func(*decide.Input) {}, v1alpha1.AdministratorLocked, time.Time{}},
		"for an hour":           {func(in *decide.Input) { in.Environment.Spec.BreakGlass = glass(time.Hour) }, v1alpha1.AdministratorOpen, now.Add(time.Hour)},
		"when its time is over": {func(in *decide.Input) { in.Environment.Spec.BreakGlass = glass(0) }, v1alpha1.AdministratorLocked, time.Time{}},
		"for longer than a day": {func(in *decide.Input) { in.Environment.Spec.BreakGlass = glass(25 * time.Hour) }, v1alpha1.AdministratorLocked, time.Time{}},
		"while a policy's wrong": {func(in *decide.Input) {
			in.Environment.Status.Access = &v1alpha1.AccessStatus{Administrator: v1alpha1.AdministratorLocked}
			in.Seen.Policies[0].Spec.Bindings[0].Role = "chef"
		}, v1alpha1.AdministratorLocked, time.Time{}},
		"when no policy is left": {func(in *decide.Input) {
			in.Environment.Status.Access = enforced(*in)
			in.Seen.Policies = nil
		}, v1alpha1.AdministratorOpen, time.Time{}},
	} {
		d := decide.Decide(input(c.change))
		assert.Equal(t, access.Administrator{Login: "admin", State: c.want}, d.Plan.Administrator, sentence)
		assert.Equal(t, c.next, d.Next, sentence)
	}
}

func TestAPolicyThatNeverHeldLocksNobodyOut(t *testing.T) {
	d := decide.Decide(input(func(in *decide.Input) { in.Seen.Policies[0].Spec.Bindings[0].Role = "chef" }))
	assert.Equal(t, access.ModePutOut, d.Mode)
	assert.Empty(t, d.Plan.Administrator)
}

func TestTheNextChangeIsTheNextEndOfABinding(t *testing.T) {
	ends := metav1.NewTime(now.Add(time.Minute))
	for sentence, wrong := range map[string]string{"of a valid policy": "rep", "of a refused one": "chef"} {
		d := decide.Decide(input(func(in *decide.Input) {
			in.Seen.Policies[0].Spec.Bindings[0].ExpiresAt = &ends
			in.Seen.Policies[0].Spec.Bindings[0].Role = wrong
			in.Environment.Status.Access = &v1alpha1.AccessStatus{Administrator: v1alpha1.AdministratorLocked}
			in.Environment.Spec.BreakGlass = glass(time.Hour)
		}))
		assert.Equal(t, ends.Time, d.Next, sentence)
	}
}

func TestWhatTheCRMDoesNotHaveIsLeftOutAndOpensNothing(t *testing.T) {
	d := decide.Decide(input(func(in *decide.Input) { in.UnknownNames = []string{"deal", "party.phone", "party.team"} }))
	require.Len(t, d.Plan.Models, 1)
	assert.Equal(t, access.Model{Name: "party", OwnerField: "owner", Fields: []string{}}, d.Plan.Models[0])
	require.Len(t, d.Plan.Roles, 1)
	require.Len(t, d.Plan.Roles[0].Grants, 1)
	assert.Equal(t, access.ScopeOwn, d.Plan.Roles[0].Grants[0].Read, "without a team it is the person's own")
	assert.Empty(t, d.Plan.Roles[0].Grants[0].Fields)

	d = decide.Decide(input(func(in *decide.Input) { in.UnknownNames = []string{"party.team", "party.owner"} }))
	assert.Equal(t, access.ScopeNone, d.Plan.Roles[0].Grants[1].Read, "without an owner, too, it is nothing")
}

func TestNamesAreLookedUpAnewForAnotherClassOrVersion(t *testing.T) {
	unknown := func(in *decide.Input) { in.UnknownNames = []string{"deal"} }
	assert.False(t, look(input(unknown)))
	assert.True(t, look(input(unknown, func(in *decide.Input) { in.Seen.Class.Generation = 2 })))
	assert.True(t, look(input(unknown, func(in *decide.Input) { in.Environment.Status.Version = "1.0" })))
}

// look tells whether names are looked up, and that a plan then lacks none.
func look(in decide.Input) bool {
	d := decide.Decide(in)
	return d.LookUp && len(d.Plan.Models) == 2
}

func TestWhatIsNotEnforcedIsCountedByRule(t *testing.T) {
	in := input(func(in *decide.Input) {
		r := &in.Seen.Policies[0].Spec.Roles[0]
		r.Rules[1].Verbs, r.Export = []v1alpha1.Verb{"read", "export"}, &v1alpha1.ExportRule{Mode: "Allow"}
	})
	d := decide.Decide(in)
	assert.EqualValues(t, 1, d.NotEnforcedRules("prod"), "%v", d.NotEnforced)
}

func TestWhoIsBoundNoMoreLeaves(t *testing.T) {
	minutesAgo := func(n int) metav1.Time { return metav1.NewTime(now.Add(-time.Duration(n) * time.Minute)) }
	before := decide.Before{At: now.Add(-10 * time.Minute), People: []string{li, bo}}
	for sentence, c := range map[string]struct {
		ended *metav1.Time
		want  metav1.Time
	}{
		"since the change was seen, when the binding was removed":     {nil, metav1.NewTime(now)},
		"since the binding's end, when it has expired":                {build.Pointer(minutesAgo(5)), minutesAgo(5)},
		"since the change was seen, when it had expired long before":  {build.Pointer(minutesAgo(20)), metav1.NewTime(now)},
		"since the change was seen, when it would have expired later": {build.Pointer(minutesAgo(-5)), metav1.NewTime(now)},
	} {
		in := input()
		if c.ended != nil {
			b := v1alpha1.RoleBinding{Role: "rep", Subjects: []v1alpha1.Subject{{Kind: "User", Name: bo}}, ExpiresAt: c.ended}
			if c.ended.After(now) {
				b.Subjects[0].Name = "somebody"
			}
			in.Seen.Policies[0].Spec.Bindings = append(in.Seen.Policies[0].Spec.Bindings, b)
		}
		d := decide.Decide(in)
		assert.Equal(t, []v1alpha1.LeaverStatus{{Name: bo, AskedAt: c.want}}, decide.Leaving(before, in, &d), sentence)
	}
}

func TestThatSomebodyHasLeftIsSeenWhileThePlanIsApplied(t *testing.T) {
	in := input()
	d := decide.Decide(in)
	assert.False(t, decide.AnyUnbound(&d.Plan, in.Environment, in.Seen.Policies, now))
	in.Seen.Policies[0].Spec.Bindings = nil
	assert.True(t, decide.AnyUnbound(&d.Plan, in.Environment, in.Seen.Policies, now))
}
