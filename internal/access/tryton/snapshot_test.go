package tryton_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

// TestTheSimulatedTrytonStartsAsTheRealOne holds what trytonsim starts with: the rows of a Tryton after its first migration that plans for the
// shipped catalogue have a say in.
func TestTheSimulatedTrytonStartsAsTheRealOne(t *testing.T) {
	w := newWorld(t)
	names := []string{"company.employee", "ir.model.access", "ir.rule", "ir.rule.group", "ir.session", "res.group", "res.user"}
	for _, model := range catalogue(t) {
		names = append(names, model.Name)
	}
	here := []any{"model.model", "in", names}
	permissions := []string{"perm_read", "perm_write", "perm_create", "perm_delete"}
	start := map[string][]map[string]any{}
	for _, read := range []struct {
		model  string
		domain []any
		fields []string
	}{
		{"ir.model", []any{[]any{"model", "in", names}}, []string{"model"}},
		{"ir.model.field", []any{here}, []string{"name", "model"}},
		{"ir.model.access", []any{here}, append(permissions, "model", "group")},
		{"ir.model.field.access", []any{[]any{"field.model.model", "in", names}}, append(permissions, "field", "group")},
		{"ir.rule.group", []any{here}, append(permissions, "name", "model", "global_p", "default_p", "groups")},
		{"ir.model.data", []any{[]any{"module", "=", "res"}, []any{"fs_id", "=", "group_admin"}}, []string{"module", "fs_id", "db_id"}},
		{"ir.action.wizard", []any{[]any{"groups", "=", nil}, []any{"model", "=", nil}}, []string{"wiz_name", "model", "groups"}},
		{"res.group", []any{}, []string{"name", "active", "parent"}},
		{"res.role", []any{}, []string{"name", "groups"}},
		{"res.user", []any{[]any{"id", "in", []int{0, w.Admin.ID}}}, []string{"login", "name", "email", "active", "groups", "companies", "company"}},
		{"company.company", []any{}, []string{"party"}},
		{"party.party", []any{}, []string{"name"}},
	} {
		w.Admin.Context["active_test"] = false
		rows, err := w.Admin.Read(read.model, read.domain, read.fields...)
		require.NoError(t, err, read.model)
		slices.SortFunc(rows, func(a, b map[string]any) int { return int(a["id"].(float64) - b["id"].(float64)) })
		start[read.model] = rows
	}
	golden.Compare(t, "../../testing/trytonsim/start.json", lines(t, start))
}

// lines are JSON with a row on each.
func lines(t *testing.T, tables map[string][]map[string]any) []byte {
	t.Helper()
	var text strings.Builder
	separator := "{"
	for _, model := range slices.Sorted(maps.Keys(tables)) {
		text.WriteString(separator + "\n\"" + model + "\": [")
		separator = ","
		for i, row := range tables[model] {
			content, err := json.Marshal(row)
			require.NoError(t, err)
			if i > 0 {
				text.WriteString(",")
			}
			text.WriteString("\n" + string(content))
		}
		text.WriteString("]")
	}
	text.WriteString("\n}\n")
	return []byte(text.String())
}
