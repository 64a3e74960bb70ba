package tryton_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

func TestAHiddenFieldCannotBeReadInAnyWay(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	manager, rep := w.as(mia), w.as(li)
	own := w.opportunity(manager, li, "the secret comment")
	rows, err := rep.Read("sale.opportunity", []any{}, "party", "description")
	require.NoError(t, err)
	require.Len(t, rows, 1)
	party := int(rows[0]["party"].(float64))
	var mechanisms, addresses []int
	rep.Must(t, "model.party.contact_mechanism.search", &mechanisms, []any{[]any{"party", "=", party}}, 0, nil, nil)
	rep.Must(t, "model.party.address.search", &addresses, []any{[]any{"party", "=", party}}, 0, nil, nil)
	require.Len(t, mechanisms, 1)
	require.Len(t, addresses, 1)

	search := func(model string, domain []any, order any) func(*trytontest.Session) (any, error) {
		return func(s *trytontest.Session) (any, error) {
			var ids []int
			err := s.Call("model."+model+".search", &ids, domain, 0, nil, order)
			return ids, err
		}
	}
	call := func(method string, arguments ...any) func(*trytontest.Session) (any, error) {
		return func(s *trytontest.Session) (any, error) {
			var answer any
			err := s.Call(method, &answer, arguments...)
			return answer, err
		}
	}
	for name, attempt := range map[string]func(*trytontest.Session) (any, error){
		"read":                                call("model.sale.opportunity.read", []int{own}, []string{"comment"}),
		"search and read":                     call("model.sale.opportunity.search_read", []any{}, 0, nil, nil, []string{"comment"}),
		"search by value":                     search("sale.opportunity", []any{[]any{"comment", "like", "%secret%"}}, nil),
		"search in a branch":                  search("sale.opportunity", []any{[]any{"OR", []any{"comment", "like", "%"}, []any{"id", "=", own}}}, nil),
		"search by children":                  search("sale.opportunity", []any{[]any{"lines.opportunity.comment", "like", "%"}}, nil),
		"order":                               search("sale.opportunity", []any{}, []any{[]any{"comment", "ASC"}}),
		"order through a relation":            search("sale.opportunity.line", []any{}, []any{[]any{"opportunity.comment", "ASC"}}),
		"export":                              call("model.sale.opportunity.export_data", []int{own}, []any{"comment"}),
		"export through a relation":           call("model.sale.opportunity.export_data", []int{own}, []any{"party/contact_mechanisms/value"}),
		"export by domain":                    call("model.sale.opportunity.export_data_domain", []any{}, []any{"comment"}),
		"mechanisms of a party":               call("model.party.party.read", []int{party}, []string{"contact_mechanisms.value"}),
		"related field of a party":            call("model.sale.opportunity.read", []int{own}, []string{"party.phone"}),
		"computed field of the party":         call("model.party.party.read", []int{party}, []string{"phone"}),
		"contact mechanism's value":           call("model.party.contact_mechanism.read", mechanisms, []string{"value"}),
		"contact mechanism's compact value":   call("model.party.contact_mechanism.read", mechanisms, []string{"value_compact"}),
		"contact mechanism's other value":     call("model.party.contact_mechanism.read", mechanisms, []string{"other_value"}),
		"contact mechanism's link":            call("model.party.contact_mechanism.read", mechanisms, []string{"url"}),
		"contact mechanism's name":            call("model.party.contact_mechanism.read", mechanisms, []string{"rec_name"}),
		"street":                              call("model.party.address.read", addresses, []string{"street"}),
		"whole address":                       call("model.party.address.read", addresses, []string{"full_address"}),
		"address's name":                      call("model.party.address.read", addresses, []string{"rec_name"}),
		"addresses of a party":                call("model.party.party.read", []int{party}, []string{"addresses.full_address"}),
		"streets of a party":                  call("model.party.party.read", []int{party}, []string{"addresses.street"}),
		"search for parties by a mechanism":   search("party.party", []any{[]any{"contact_mechanisms.value", "like", "%555%"}}, nil),
		"search for opportunities by a phone": search("sale.opportunity", []any{[]any{"party.contact_mechanisms.value", "like", "%555%"}}, nil),
		"write":                               call("model.sale.opportunity.write", []int{own}, map[string]any{"comment": "the secret comment 2"}),
		"write of what is read-only":          call("model.sale.opportunity.write", []int{own}, map[string]any{"description": "x"}),
	} {
		for _, context := range []map[string]any{{"company": w.Company}, {"_check_access": false, "_user": 0, "user": 0, "company": w.Company}} {
			rep.Context = context
			answer, err := attempt(rep)
			assert.Error(t, err, "%s: %v", name, answer)
		}
		// It is denied to the representative, and not something that Tryton cannot do.
		_, err := attempt(manager)
		assert.NoError(t, err, "%s by the manager", name)
	}
	// What is not hidden, and who it is not hidden from.
	var copies []int
	require.NoError(t, rep.Call("model.party.party.write", nil, []int{party}, map[string]any{"name": "New name"}))
	if rep.Call("model.sale.opportunity.copy", &copies, []int{own}) == nil {
		_, err := rep.Read("sale.opportunity", []any{[]any{"id", "in", copies}}, "comment")
		assert.Error(t, err, "the comment of a copy")
	}
	seen, err := manager.Read("sale.opportunity", []any{}, "comment", "party.phone")
	require.NoError(t, err)
	assert.Contains(t, asJSON(t, seen), "the secret comment")
	assert.Contains(t, asJSON(t, seen), "5550123")
}

func TestWhatTrytonShowsOfHiddenFieldsNonethelessIsListed(t *testing.T) {
	w := newWorld(t)
	plan := salesPlan()
	w.bring(plan)
	w.opportunity(w.as(mia), li, "x")
	listed := asJSON(t, tryton.Adapter{}.Unenforceable(plan))
	rep := w.as(li)
	var ids []int
	rep.Must(t, "model.party.party.search", &ids, []any{[]any{"rec_name", "ilike", "%5550123%"}}, 0, nil, nil)
	if len(ids) > 0 {
		assert.Contains(t, listed, "found by it in the search for names")
	}
	var label any
	if rep.Call("report.party.label.execute", &label, ids, map[string]any{}) == nil {
		assert.Contains(t, listed, "prints of the record")
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	content, err := json.Marshal(value)
	require.NoError(t, err)
	return string(content)
}
