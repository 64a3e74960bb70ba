package tryton_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

var server *trytontest.Server

func TestMain(m *testing.M) {
	trytontest.Main(m, func(s *trytontest.Server) { server = s })
}

// world is a Tryton that has a plan.
type world struct {
	*trytontest.Tryton
	t *testing.T
	// passwords that were given to accounts last, and the logins of all that were.
	passwords map[string]string
	invited   []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Tryton: server.New(t), t: t, passwords: map[string]string{}}
	w.Connection.Invite = w.invite
	return w
}

// bring applies a plan and then finds nothing more to do.
func (w *world) bring(plan access.Plan) access.Report {
	w.t.Helper()
	report, err := tryton.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModeApply)
	require.NoError(w.t, err)
	require.ElementsMatch(w.t, report.Differences, report.Applied, "what was found and what was done")
	again, err := tryton.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModeApply)
	require.NoError(w.t, err)
	require.Empty(w.t, again.Differences, "a second run finds nothing to do")
	return report
}

// invite keeps what a person would be given.
func (w *world) invite(_ context.Context, logins []string) (map[string]secret.String, error) {
	given := map[string]secret.String{}
	for _, login := range logins {
		w.passwords[login] = fmt.Sprintf("Kx7 mPq2 %d %s", len(w.invited), login)
		w.invited = append(w.invited, login)
		given[login] = secret.New(w.passwords[login])
	}
	return given, nil
}

// as logs a person in with the first password.
func (w *world) as(login string) *trytontest.Session {
	w.t.Helper()
	return w.Login(w.t, login, w.passwords[login])
}

const (
	li  = "li.na@acme.example"
	bo  = "bo@acme.example"
	mia = "mia@acme.example"
)

func person(login string, roles ...string) access.Person {
	return access.Person{Login: login, DisplayName: "Person " + login, Email: login, Roles: roles}
}

func full(model string, scope access.Scope, fields ...access.FieldAccess) access.Grant {
	return access.Grant{Model: model, Read: scope, Create: scope, Update: scope, Delete: scope, Export: scope, Import: scope, Fields: fields}
}

func reading(model string, fields ...access.FieldAccess) access.Grant {
	return access.Grant{Model: model, Read: access.ScopeAll, Export: access.ScopeAll, Fields: fields}
}

func hidden(field string) access.FieldAccess {
	return access.FieldAccess{Field: field, Access: access.AccessHidden}
}

// salesPlan has representatives, who own opportunities and do not see their comments, managers, who see all, and a clerk who sees that there are customers.
func salesPlan() access.Plan {
	rep := access.Role{Name: "sales.rep", Grants: []access.Grant{
		reading("party.address", hidden("street")), reading("party.contact_mechanism", hidden("value")), full("party.party", access.ScopeAll),
		full("sale.opportunity", access.ScopeOwn, hidden("comment"), access.FieldAccess{Field: "description", Access: access.AccessReadOnly}),
		full("sale.opportunity.line", access.ScopeOwn),
	}}
	rep.Grants[3].Delete = access.ScopeNone
	return access.Plan{
		Models: []access.Model{
			{Name: "ir.attachment", OwnerField: "create_uid"},
			{Name: "ir.note", OwnerField: "create_uid"},
			{Name: "party.address", Fields: []string{"street"}},
			{Name: "party.contact_mechanism", Fields: []string{"value"}},
			{Name: "party.party", Fields: []string{"name"}},
			{Name: "product.template"},
			{Name: "sale.opportunity", OwnerField: "employee", Fields: []string{"amount", "comment", "description"}},
			{Name: "sale.opportunity.line", OwnerField: "opportunity.employee"},
		},
		Roles: []access.Role{
			{Name: "sales.clerk", Grants: []access.Grant{reading("party.party", hidden("name"))}},
			{Name: "sales.manager", Grants: []access.Grant{
				full("party.address", access.ScopeAll), full("party.contact_mechanism", access.ScopeAll), full("party.party", access.ScopeAll),
				full("sale.opportunity", access.ScopeAll), full("sale.opportunity.line", access.ScopeAll),
			}},
			rep,
		},
		People: []access.Person{person(bo, "sales.rep"), person(li, "sales.rep"), person(mia, "sales.manager")},
		Drift:  access.DriftRevert, UnknownAccounts: access.UnknownAccountsReport, Exempt: []string{trytontest.Admin},
	}
}

// locked gives the plan with a state for the administrator.
func locked(plan access.Plan, state v1alpha1.AdministratorState) access.Plan {
	plan.Administrator = access.Administrator{Login: trytontest.Admin, State: state}
	return plan
}

// opportunity is made by the manager for a representative.
func (w *world) opportunity(manager *trytontest.Session, of, comment string) int {
	w.t.Helper()
	party := manager.Create(w.t, "party.party", map[string]any{
		"name":               "Customer of " + of,
		"contact_mechanisms": []any{[]any{"create", []any{map[string]any{"type": "phone", "value": "+49 30 5550123"}}}},
		"addresses":          []any{[]any{"create", []any{map[string]any{"street": "Secret Lane 7"}}}},
	})
	return manager.Create(w.t, "sale.opportunity", map[string]any{
		"description": "deal of " + of, "comment": comment, "employee": w.employee(of), "company": w.Company, "party": party,
	})
}

func (w *world) employee(login string) int {
	w.t.Helper()
	users, err := w.Admin.Read("res.user", []any{[]any{"login", "=", login}}, "employees")
	require.NoError(w.t, err)
	require.Len(w.t, users, 1)
	employees := users[0]["employees"].([]any)
	require.Len(w.t, employees, 1)
	return int(employees[0].(float64))
}

func denied(t *testing.T, what string, err error) {
	t.Helper()
	assert.Error(t, err, what)
}
