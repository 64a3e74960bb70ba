package roles

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/credential"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

// size of what is measured.
type size struct {
	Roles  int `json:"roles"`
	People int `json:"people"`
	CRMs   int `json:"crms"`
}

// world is a real Tryton and a policy for the catalogue that is shipped.
type world struct {
	size
	real      *trytontest.Tryton
	plan      access.Plan
	passwords map[string]secret.String
}

func newWorld(t testing.TB, of size) *world {
	t.Helper()
	w := &world{size: of, real: server.New(t), passwords: map[string]secret.String{}}
	w.real.Connection.Invite = w.invite
	w.plan = plan(t, of)
	return w
}

// invite makes passwords as the operator does.
func (w *world) invite(_ context.Context, logins []string) (map[string]secret.String, error) {
	given := map[string]secret.String{}
	for _, login := range logins {
		password, err := credential.NewPassword()
		if err != nil {
			return nil, err
		}
		given[login], w.passwords[login] = password, password
	}
	return given, nil
}

// shipped is the class for Tryton.
func shipped(t testing.TB) *v1alpha1.CRMClass {
	t.Helper()
	content, err := os.ReadFile("../../../config/classes/tryton.yaml")
	require.NoError(t, err)
	class := &v1alpha1.CRMClass{}
	require.NoError(t, yaml.UnmarshalStrict(content, class))
	return class
}

// policyName is that of the real Tryton's policy.
const policyName = "sales"

// policy whose roles have their own records of sales each, and see contacts without what is sensitive.
func policy(of size) v1alpha1.CRMRolePolicySpec {
	var spec v1alpha1.CRMRolePolicySpec
	for i := range of.Roles {
		name := fmt.Sprintf("team-%02d", i)
		spec.Roles = append(spec.Roles, v1alpha1.Role{Name: name, Rules: []v1alpha1.RoleRule{
			{Objects: []string{"opportunity", "opportunity-line", "note"}, Verbs: []v1alpha1.Verb{"read", "create", "update"}, Scope: "Own"},
			{Objects: []string{"contact", "contact-detail", "address"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "All",
				Fields: []v1alpha1.FieldRule{{Sensitivity: "Sensitive", Access: "Hidden"}}},
			{Objects: []string{"product"}, Verbs: []v1alpha1.Verb{"read", "export"}, Scope: "All"},
		}})
		held := v1alpha1.RoleBinding{Role: name}
		for p := i; p < of.People; p += of.Roles {
			held.Subjects = append(held.Subjects, v1alpha1.Subject{Kind: "User", Name: fmt.Sprintf("person-%04d@acme.example", p)})
		}
		spec.Bindings = append(spec.Bindings, held)
	}
	return spec
}

// plan is what a policy comes to. The administrator is locked.
func plan(t testing.TB, of size) access.Plan {
	t.Helper()
	class, declared := shipped(t), &v1alpha1.CRMRolePolicy{Spec: policy(of)}
	declared.Name, declared.Spec.Environments = policyName, []string{realName}
	made := compile.Compile(compile.Input{Environment: realName, Class: class, Policies: []*v1alpha1.CRMRolePolicy{declared}, Now: time.Now()}).Plan()
	made.Administrator = access.Administrator{Login: class.Spec.Admin.Login, State: v1alpha1.AdministratorLocked}
	return made
}

// bring measures one call of the adapter.
func bring(t testing.TB, what string, to access.Connection, plan access.Plan) (measured, access.Report) {
	t.Helper()
	began := time.Now()
	report, err := tryton.Adapter{}.Bring(context.Background(), to, plan, access.ModeApply)
	require.NoError(t, err, what)
	return measured{What: what, Seconds: time.Since(began).Seconds(), Calls: report.Calls}, report
}

// firstApplication brings the whole policy to a Tryton that has none, and looks again.
func (w *world) firstApplication(t testing.TB) []measured {
	t.Helper()
	first, report := bring(t, "first application", w.real.Connection, w.plan)
	require.Len(t, report.Invited, w.People)
	first.MostSeconds = 60
	again, report := bring(t, "nothing has changed", w.real.Connection, w.plan)
	require.Empty(t, report.Differences)
	again.MostSeconds, again.MostCalls = 2, 10
	return []measured{first, again}
}

// changes of one binding, each applied, and undone before the next one.
func (w *world) changes(t testing.TB) []measured {
	t.Helper()
	last := w.People - 1
	one := func(change func(*access.Person)) access.Plan {
		changed := w.plan
		changed.People = slices.Clone(w.plan.People)
		change(&changed.People[last])
		return changed
	}
	joined := w.plan
	joined.People = append(slices.Clone(w.plan.People), one(func(p *access.Person) { p.Login, p.DisplayName = "zoe@acme.example", "Zoe" }).People[last])
	var all []measured
	for _, step := range []struct {
		what string
		plan access.Plan
	}{
		{"one person moves", one(func(p *access.Person) { p.Roles = []string{w.plan.Roles[0].Name} })},
		{"one has another name", one(func(p *access.Person) { p.DisplayName = "李娜" })},
		{"one leaves", without(w.plan, w.plan.People[last].Login)},
		{"one comes back", w.plan},
		{"one joins", joined},
	} {
		m, report := bring(t, step.what, w.real.Connection, step.plan)
		require.NotEmpty(t, report.Applied, step.what)
		m.MostSeconds, m.MostCalls = 2, 10
		all = append(all, m)
	}
	bring(t, "as it was", w.real.Connection, w.plan)
	return all
}

func without(plan access.Plan, login string) access.Plan {
	plan.People = slices.DeleteFunc(slices.Clone(plan.People), func(p access.Person) bool { return p.Login == login })
	return plan
}
