package tryton_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARepresentativeSeesOwnRecordsAndAManagerAll(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	manager, rep := w.as(mia), w.as(li)
	own, other := w.opportunity(manager, li, "x"), w.opportunity(manager, bo, "y")

	seen, err := rep.Read("sale.opportunity", []any{}, "description")
	require.NoError(t, err)
	require.Len(t, seen, 1)
	assert.EqualValues(t, own, seen[0]["id"])
	seen, err = manager.Read("sale.opportunity", []any{}, "comment")
	require.NoError(t, err)
	assert.Len(t, seen, 2)

	for _, context := range []map[string]any{
		{"company": w.Company}, {}, {"_check_access": false}, {"_user": 0, "user": 0}, {"employee": w.employee(bo)}, {"employees": []int{w.employee(bo)}},
		{"company_filter": "all"}, {"groups": []int{1}}, {"_datetime": nil},
	} {
		rep.Context = context
		denied(t, "read of another's", rep.Call("model.sale.opportunity.read", nil, []int{other}, []string{"description"}))
		denied(t, "write to another's", rep.Call("model.sale.opportunity.write", nil, []int{other}, map[string]any{"lost_reason": "mine now"}))
		denied(t, "deletion without the verb", rep.Call("model.sale.opportunity.delete", nil, []int{own}))
		denied(t, "export of another's", rep.Call("model.sale.opportunity.export_data", nil, []int{other}, []any{"description"}))
		denied(t, "copy of another's", rep.Call("model.sale.opportunity.copy", nil, []int{other}))
	}
}
