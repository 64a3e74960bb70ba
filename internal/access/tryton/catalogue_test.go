package tryton_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
)

// catalogue gives the models of the class that is shipped.
func catalogue(t *testing.T) []access.Model {
	t.Helper()
	content, err := os.ReadFile("../../../config/classes/tryton.yaml")
	require.NoError(t, err)
	var class v1alpha1.CRMClass
	require.NoError(t, yaml.UnmarshalStrict(content, &class))
	byName := map[string]*access.Model{}
	for _, object := range class.Spec.Objects {
		for _, native := range object.Native {
			require.NotContains(t, byName, native, "each native model belongs to one object")
			byName[native] = &access.Model{Name: native, OwnerField: object.OwnerField, TeamField: object.TeamField}
		}
	}
	for _, object := range class.Spec.Objects {
		for _, field := range object.Fields {
			dot := strings.LastIndexByte(field.Native, '.')
			model := byName[field.Native[:dot]]
			require.NotNil(t, model, field.Native)
			model.Fields = append(model.Fields, field.Native[dot+1:])
		}
	}
	var models []access.Model
	for _, model := range byName {
		models = append(models, *model)
	}
	slices.SortFunc(models, func(a, b access.Model) int { return strings.Compare(a.Name, b.Name) })
	return models
}

func TestTheCatalogueNamesOnlyWhatTrytonHas(t *testing.T) {
	w := newWorld(t)
	unknown, err := tryton.Adapter{}.Unknown(context.Background(), w.Connection, catalogue(t))
	require.NoError(t, err)
	assert.Empty(t, unknown)
	unknown, err = tryton.Adapter{}.Unknown(context.Background(), w.Connection, []access.Model{
		{Name: "party.party", Fields: []string{"name", "shoe_size"}, OwnerField: "keeper"}, {Name: "no.such.model"},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"no.such.model", "party.party.keeper", "party.party.shoe_size"}, unknown)
}

// What an account without any right may read: how Tryton is set up, and lists that say nothing of a customer.
var open = []string{"account.", "company.", "country.", "currency.", "ir.", "party.address.format", "party.address.subdivision_type", "party.category",
	"party.configuration", "product.category", "product.configuration", "product.uom", "res.", "sale.configuration", "sale.reporting.category.tree",
	"stock.configuration", "stock.location"}

// Models below the open prefixes that hold data of customers.
var heldElsewhere = []string{"account.account.party", "account.aged_balance", "account.general_ledger.account.party", "account.general_ledger.line",
	"account.invoice", "account.invoice.line", "account.move", "account.move.line", "account.move.reconciliation", "ir.attachment", "ir.avatar",
	"ir.email", "ir.email.address", "ir.note"}

func TestWithoutARightNobodyReadsAModelThatHoldsCustomersData(t *testing.T) {
	w := newWorld(t)
	plan := access.Plan{Models: catalogue(t), Roles: []access.Role{{Name: "no.rights"}}, People: []access.Person{person(li, "no.rights")}}
	w.bring(plan)
	somebody := w.as(li)
	models, err := w.Admin.Read("ir.model", []any{}, "model")
	require.NoError(t, err)
	var readable []string
	for _, row := range models {
		model := row["model"].(string)
		if somebody.Call("model."+model+".search_read", nil, []any{}, 0, 1, nil, []string{"id"}) != nil {
			continue
		}
		below := func(prefix string) bool { return strings.HasPrefix(model, prefix) }
		if !slices.ContainsFunc(open, below) || slices.Contains(heldElsewhere, model) {
			readable = append(readable, model)
		}
	}
	slices.Sort(readable)
	assert.Empty(t, readable)
}

func TestTrytonLendsAccessAsTheAdapterKnows(t *testing.T) {
	w := newWorld(t)
	fields, err := w.Admin.Read("ir.model.field", []any{[]any{"ttype", "=", "many2one"}}, "name", "model.model", "relation", "access")
	require.NoError(t, err)
	planned := map[string]bool{}
	for _, model := range catalogue(t) {
		planned[model.Name] = true
	}
	for _, field := range fields {
		child, parent := field["model."].(map[string]any)["model"].(string), field["relation"].(string)
		if field["access"] != true || !planned[child] {
			continue
		}
		plan := access.Plan{
			Models: []access.Model{{Name: parent}, {Name: child}},
			Roles:  []access.Role{{Name: "a.b", Grants: []access.Grant{full(parent, access.ScopeAll)}}},
		}
		assert.Contains(t, asJSON(t, tryton.Adapter{}.Unenforceable(plan)), child+":", "%s has the access of its %s", child, parent)
	}
}

func TestEveryFieldOfTheCatalogueCanBeHidden(t *testing.T) {
	w := newWorld(t)
	models := catalogue(t)
	role := access.Role{Name: "no.fields"}
	var fields int
	for _, model := range models {
		var all []access.FieldAccess
		for _, field := range model.Fields {
			all = append(all, hidden(field))
		}
		fields += len(all)
		role.Grants = append(role.Grants, reading(model.Name, all...))
	}
	w.bring(access.Plan{Models: models, Roles: []access.Role{role}, People: []access.Person{person(li, role.Name)}})
	somebody := w.as(li)
	for _, model := range models {
		for _, field := range model.Fields {
			_, err := somebody.Read(model.Name, []any{}, field)
			assert.Error(t, err, "%s.%s", model.Name, field)
		}
	}
	assert.NotZero(t, fields)
}
