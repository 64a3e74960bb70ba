package nocobase_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
)

func TestUnderAPlan(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]func(*testing.T, *world){
		"people have the records and fields of their roles in every way": seeTheirRecords,
		"people change only what they may":                               changeTheirRecords,
		"the auditor reads and exports nothing":                          auditRecords,
		"what NocoBase shows nonetheless is listed":                      listWhatIsShown,
		"several roles of a person are never mixed":                      mixNoRoles,
	} {
		t.Run(name, func(t *testing.T) {
			w.begin(t)
			test(t, w)
		})
	}
}

func seeTheirRecords(t *testing.T, w *world) {
	w.bring(salesPlan())
	manager, rep, other := w.as(mia), w.as(li), w.as(bo)
	own, contact := w.deal(manager, rep.ID, "the secret comment")
	foreign, _ := w.deal(manager, other.ID, "the secret comment")

	rows, err := rep.List("opportunities:list", nil)
	require.NoError(t, err)
	require.Len(t, rows, 1, "own records only")
	assert.EqualValues(t, own, rows[0]["id"])
	assert.EqualValues(t, contact, rows[0]["contactId"], "foreign keys are values of the record")
	rows, err = manager.List("opportunities:list", nil)
	require.NoError(t, err)
	assert.Len(t, rows, 2)
	assert.Equal(t, "the secret comment", rows[0]["comment"])

	columns := func(paths ...[]string) record {
		var list []record
		for _, path := range paths {
			list = append(list, record{"dataIndex": path, "title": "x", "defaultTitle": "x"})
		}
		return record{"title": "x", "columns": list}
	}
	for name, attempt := range map[string]struct {
		action     string
		parameters record
		body       any
	}{
		"list":                           {"opportunities:list", nil, nil},
		"get":                            {"opportunities:get", record{"filterByTk": own}, nil},
		"get another's":                  {"opportunities:get", record{"filterByTk": foreign}, nil},
		"the field by name":              {"opportunities:list", record{"fields": "id,comment"}, nil},
		"all but another field":          {"opportunities:list", record{"except": "title"}, nil},
		"contacts":                       {"contacts:list", nil, nil},
		"appended contact":               {"opportunities:list", record{"appends": "contact"}, nil},
		"appended contact of one":        {"opportunities:get", record{"filterByTk": own, "appends": "contact"}, nil},
		"appended owner":                 {"opportunities:list", record{"appends": "owner,createdBy"}, nil},
		"field of an appended contact":   {"opportunities:list", record{"fields": "id,contact.salary", "appends": "contact"}, nil},
		"appended company of a contact":  {"opportunities:list", record{"appends": "contact.company"}, nil},
		"appended deals of contacts":     {"contacts:list", record{"appends": "deals"}, nil},
		"appended company":               {"contacts:list", record{"appends": "company"}, nil},
		"appended guard":                 {"contacts:list", record{"appends": "crmkeep_nothing.company"}, nil},
		"contact of a deal":              {fmt.Sprintf("opportunities/%d/contact:get", own), nil, nil},
		"deals of a contact":             {fmt.Sprintf("contacts/%d/deals:list", contact), nil, nil},
		"company of a contact":           {fmt.Sprintf("contacts/%d/company:get", contact), nil, nil},
		"owner of a deal":                {fmt.Sprintf("opportunities/%d/owner:get", own), nil, nil},
		"companies":                      {"companies:list", nil, nil},
		"accounts":                       {"users:list", nil, nil},
		"export of the field":            {"opportunities:export", nil, columns([]string{"title"}, []string{"comment"})},
		"export through a relation":      {"opportunities:export", nil, columns([]string{"title"}, []string{"contact", "salary"}, []string{"contact", "company", "rating"})},
		"query by the field":             {"opportunities:query", nil, record{"dimensions": []record{{"field": "comment", "alias": "x"}}, "measures": []record{}}},
		"query of the field":             {"opportunities:query", nil, record{"dimensions": []record{}, "measures": []record{{"field": "comment", "aggregation": "max", "alias": "x"}}}},
		"query through a relation":       {"opportunities:query", nil, record{"dimensions": []record{{"field": []string{"contact", "salary"}, "alias": "x"}}, "measures": []record{}}},
		"rights of another role":         {"companies:list", nil, nil},
		"roles":                          {"roles:list", nil, nil},
		"keys":                           {"apiKeys:list", nil, nil},
		"settings of roles in the whole": {"dataSourcesRolesResourcesScopes:list", nil, nil},
	} {
		for _, role := range []string{"", "crmkeep_sales_rep", "__union__", "anonymous"} {
			content, err := rep.As(role).Raw(attempt.action, attempt.parameters, attempt.body)
			t.Logf("%s as %q: %v", name, role, err)
			assert.NotContains(t, spreadsheet(content), "secret", "%s as %q", name, role)
		}
	}
	content, err := rep.Raw("opportunities:export", nil, columns([]string{"title"}, []string{"comment"}))
	require.NoError(t, err)
	assert.Contains(t, spreadsheet(content), "deal", "what may be exported is")
	content, err = manager.Raw("opportunities:export", nil, columns([]string{"title"}, []string{"comment"}))
	require.NoError(t, err)
	assert.Contains(t, spreadsheet(content), "the secret comment", "by the manager, comments are")
}

func changeTheirRecords(t *testing.T, w *world) {
	w.bring(salesPlan())
	manager, rep, other := w.as(mia), w.as(li), w.as(bo)
	own, contact := w.deal(manager, rep.ID, "untouched")
	foreign, _ := w.deal(manager, other.ID, "untouched")
	one := func(id int) record { return record{"filterByTk": id} }

	rep.Must(t, "opportunities:update", one(own), record{"title": "new title"}, nil)
	for name, attempt := range map[string]struct {
		action     string
		parameters record
		body       any
	}{
		"a hidden field":                  {"opportunities:update", one(own), record{"comment": "touched"}},
		"a read-only field":               {"opportunities:update", one(own), record{"amount": 99}},
		"the owner":                       {"opportunities:update", one(own), record{"ownerId": other.ID, "owner": record{"id": other.ID}}},
		"another's":                       {"opportunities:update", one(foreign), record{"title": "touched"}},
		"all":                             {"opportunities:update", record{"filter": record{"id": record{"$gt": 0}}}, record{"amount": 99}},
		"another's by keys":               {"opportunities:updateOrCreate", record{"filterKeys": "id"}, record{"id": foreign, "title": "touched"}},
		"another's through the contact":   {fmt.Sprintf("contacts/%d/deals:update", contact), one(foreign), record{"title": "touched"}},
		"the deals of a contact":          {fmt.Sprintf("contacts/%d/deals:set", contact), nil, []int{foreign}},
		"the contact through the deal":    {"opportunities:update", record{"filterByTk": own, "updateAssociationValues": "contact"}, record{"contact": record{"id": contact, "name": "touched"}}},
		"the contact of the deal":         {fmt.Sprintf("opportunities/%d/contact:update", own), one(contact), record{"name": "touched"}},
		"a contact":                       {"contacts:update", one(contact), record{"name": "touched"}},
		"a deletion":                      {"opportunities:destroy", one(own), record{}},
		"another's deletion":              {fmt.Sprintf("contacts/%d/deals:destroy", contact), one(own), record{}},
		"the own account":                 {"users:update", one(rep.ID), record{"nickname": "touched"}},
		"the own roles":                   {fmt.Sprintf("users/%d/roles:add", rep.ID), nil, []string{"admin"}},
		"members of a role":               {"roles/admin/users:add", nil, []int{rep.ID}},
		"the own role":                    {"roles:update", record{"filterByTk": "crmkeep_sales_rep"}, record{"snippets": []string{"pm.*"}}},
		"rights of the own role":          {"roles:applyDataPermissions", record{"filterByTk": "crmkeep_sales_rep"}, record{"resources": []record{{"name": "companies", "actions": []record{{"name": "view"}}}}}},
		"a key":                           {"apiKeys:create", nil, record{"name": "k", "role": record{"name": "crmkeep_sales_rep"}, "expiresIn": "1d"}},
		"roles of an account, joined":     {"roles:setSystemRoleMode", nil, record{"roleMode": "only-use-union"}},
		"a collection":                    {"collections:create", nil, record{"name": "mine"}},
		"a field that shows another one":  {"collections/opportunities/fields:create", nil, record{"name": "mine", "type": "string"}},
		"sign-in methods":                 {"authenticators:update", one(1), record{"enabled": false}},
		"rights by a membership's record": {"rolesUsers:create", nil, record{"roleName": "admin", "userId": rep.ID}},
		"an import":                       {"opportunities:importXlsx", nil, record{}},
	} {
		err := rep.Call(attempt.action, attempt.parameters, attempt.body, nil)
		t.Logf("%s: %v", name, err)
	}
	rows, err := manager.List("opportunities:list", record{"sort": "id"})
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for i, row := range rows {
		assert.Equal(t, "untouched", row["comment"])
		assert.EqualValues(t, 5, row["amount"])
		assert.EqualValues(t, []int{rep.ID, other.ID}[i], row["ownerId"])
	}
	assert.Equal(t, "new title", rows[0]["title"])
	assert.Equal(t, "deal", rows[1]["title"])
	contacts, err := manager.List("contacts:list", nil)
	require.NoError(t, err)
	assert.NotContains(t, asJSON(t, contacts), "touched")
	var users []record
	w.Admin.Must(t, "users:list", record{"appends": "roles", "filter": record{"id": rep.ID}}, nil, &users)
	assert.NotContains(t, asJSON(t, users), "touched")
	assert.NotContains(t, asJSON(t, users), `"admin"`)
	w.bring(salesPlan())
}

func auditRecords(t *testing.T, w *world) {
	plan := salesPlan()
	plan.People = append(plan.People, person("ada@acme.example", "sales.auditor"))
	w.bring(plan)
	w.deal(w.as(mia), 1, "x")
	auditor := w.as("ada@acme.example")
	rows, err := auditor.List("opportunities:list", nil)
	require.NoError(t, err)
	assert.Len(t, rows, 1)
	for _, action := range []string{"opportunities:export", "opportunities:create", "opportunities:update", "contacts:list"} {
		assert.ErrorContains(t, auditor.Call(action, record{"filterByTk": 1}, record{"title": "x", "columns": []record{}}, nil), "403", action)
	}
}

func listWhatIsShown(t *testing.T, w *world) {
	plan := salesPlan()
	w.bring(plan)
	rep := w.as(li)
	own, _ := w.deal(w.as(mia), rep.ID, "the secret comment")
	listed := asJSON(t, nocobase.Adapter{}.Unenforceable(plan))
	found := func(filter record) bool {
		rows, err := rep.List("opportunities:list", record{"filter": filter})
		return err == nil && len(rows) > 0
	}
	if found(record{"comment": record{"$includes": "secret"}}) {
		assert.Contains(t, listed, "field comment: NocoBase does not show it, but finds and sorts records by it")
	}
	if found(record{"contact.company.rating": record{"$includes": "secret"}}) {
		assert.Contains(t, listed, "finds it by any field of the records that it is related to")
	}
	content, err := rep.Raw("opportunities:update", record{"filterByTk": own}, record{"title": "x"})
	require.NoError(t, err)
	if assert.Contains(t, string(content), "secret") {
		assert.Contains(t, listed, "answer to whoever changes a record has all of its fields")
	}
	var made record
	if rep.Call("opportunities:create", nil, record{"title": "x", "ownerId": 1}, &made) == nil && made["ownerId"] != float64(rep.ID) {
		assert.Contains(t, listed, "can be made for somebody else")
	}
}

func mixNoRoles(t *testing.T, w *world) {
	plan := salesPlan()
	// The one role has all fields of own opportunities, the other has all opportunities without their comments.
	plan.Roles[0].Grants[0].Fields = []access.FieldAccess{hidden("comment")}
	plan.Roles[2].Grants[1].Fields = nil
	plan.People[1].Roles = []string{"sales.auditor", "sales.rep"}
	w.bring(plan)
	rep := w.as(li)
	w.deal(w.as(mia), rep.ID, "own comment")
	w.deal(w.as(mia), 1, "secret comment")
	for role, want := range map[string]int{"crmkeep_sales_rep": 1, "crmkeep_sales_auditor": 2} {
		rows, err := rep.As(role).List("opportunities:list", nil)
		require.NoError(t, err)
		assert.Len(t, rows, want, role)
		assert.Equal(t, role == "crmkeep_sales_rep", rows[0]["comment"] != nil, role)
	}
	for _, role := range []string{"", "__union__", "crmkeep_sales_rep", "crmkeep_sales_auditor"} {
		content, err := rep.As(role).Raw("opportunities:list", nil, nil)
		require.NoError(t, err)
		assert.NotContains(t, string(content), "secret", role)
	}
	assert.ErrorContains(t, rep.As("crmkeep_sales_manager").Call("opportunities:list", nil, nil, nil), "401")
}
