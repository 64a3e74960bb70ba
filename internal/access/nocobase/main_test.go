package nocobase_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/nocobasetest"
)

var server *nocobasetest.Server

func TestMain(m *testing.M) {
	nocobasetest.Main(m, func(s *nocobasetest.Server) { server = s })
}

// world is a NocoBase that has a plan.
type world struct {
	*nocobasetest.NocoBase
	t *testing.T
	// passwords that were handed over last.
	passwords map[string]string
}

type record = nocobasetest.Record

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{NocoBase: server.New(t), t: t, passwords: map[string]string{}}
	w.Connection.Invite = w.invite
	return w
}

// begin takes out the records of an earlier part of the test.
func (w *world) begin(t *testing.T) {
	t.Helper()
	w.t = t
	for _, collection := range []string{"opportunities", "contacts", "companies"} {
		w.Admin.Must(t, collection+":destroy", record{"filter": record{"id": record{"$gt": 0}}}, record{}, nil)
	}
}

// bring applies a plan and then finds nothing more to do.
func (w *world) bring(plan access.Plan) access.Report {
	w.t.Helper()
	report, err := nocobase.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModeApply)
	require.NoError(w.t, err)
	require.ElementsMatch(w.t, report.Differences, report.Applied, "what was found and what was done")
	again, err := nocobase.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModeApply)
	require.NoError(w.t, err)
	require.Empty(w.t, again.Differences, "a second run finds nothing to do")
	return report
}

// invite keeps what a person would be given: another password each time.
func (w *world) invite(_ context.Context, logins []string) (map[string]secret.String, error) {
	given := map[string]secret.String{}
	for _, login := range logins {
		w.passwords[login] += "Kx7 mPq2 " + login
		given[login] = secret.New(w.passwords[login])
	}
	return given, nil
}

// as logs a person in with the last password.
func (w *world) as(login string) *nocobasetest.Session {
	w.t.Helper()
	return w.Login(w.t, login, w.passwords[login])
}

const (
	li  = "li.na@acme.example"
	bo  = "bo@acme.example"
	mia = "mia"
)

func person(login string, roles ...string) access.Person {
	return access.Person{Login: login, DisplayName: "Person " + login, Roles: roles}
}

func full(model string, scope access.Scope, fields ...access.FieldAccess) access.Grant {
	return access.Grant{Model: model, Read: scope, Create: scope, Update: scope, Delete: scope, Export: scope, Fields: fields}
}

func hidden(field string) access.FieldAccess {
	return access.FieldAccess{Field: field, Access: access.AccessHidden}
}

func readOnly(field string) access.FieldAccess {
	return access.FieldAccess{Field: field, Access: access.AccessReadOnly}
}

// salesPlan has representatives, who own opportunities, do not see their comments and see of contacts all but the salary, managers, who see all,
// and an auditor, who reads opportunities and exports none.
func salesPlan() access.Plan {
	rep := access.Role{Name: "sales.rep", Grants: []access.Grant{
		{Model: "contacts", Read: access.ScopeAll, Export: access.ScopeAll, Fields: []access.FieldAccess{hidden("salary")}},
		full("opportunities", access.ScopeOwn, hidden("comment"), readOnly("amount")),
	}}
	rep.Grants[1].Delete = access.ScopeNone
	return access.Plan{
		Models: []access.Model{
			{Name: "companies", Fields: []string{"name", "rating"}},
			{Name: "contacts", Fields: []string{"salary"}},
			{Name: "opportunities", OwnerField: "owner", Fields: []string{"amount", "comment", "title"}},
		},
		Roles: []access.Role{
			{Name: "sales.auditor", Grants: []access.Grant{{Model: "opportunities", Read: access.ScopeAll}}},
			{Name: "sales.manager", Grants: []access.Grant{
				full("companies", access.ScopeAll), full("contacts", access.ScopeAll), full("opportunities", access.ScopeAll),
			}},
			rep,
		},
		People: []access.Person{person(bo, "sales.rep"), person(li, "sales.rep"), person(mia, "sales.manager")},
		Drift:  access.DriftRevert, UnknownAccounts: access.UnknownAccountsReport, Exempt: []string{nocobasetest.Admin, access.OperatorLogin},
	}
}

// deal is an opportunity that the manager makes for a representative, with a contact and a company.
func (w *world) deal(manager *nocobasetest.Session, owner int, comment string) (opportunity, contact int) {
	w.t.Helper()
	company := manager.Create(w.t, "companies", record{"name": "Company", "rating": "secret rating"})
	contact = manager.Create(w.t, "contacts", record{"name": "Customer", "phone": "5550123", "salary": "secret salary", "companyId": company})
	return manager.Create(w.t, "opportunities", record{
		"title": "deal", "amount": 5, "comment": comment, "ownerId": owner, "contactId": contact,
	}), contact
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	content, err := json.Marshal(value)
	require.NoError(t, err)
	return string(content)
}
