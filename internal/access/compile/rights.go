package compile

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// combine gives the rights of all sources together: grants add up, and what restricts wins.
func combine(sources []*source) []access.Grant {
	all := make(map[string]*modelRights)
	for _, s := range sources {
		for model, theirs := range s.models {
			ours := all[model]
			if ours == nil {
				ours = newModelRights(model)
				all[model] = ours
			}
			for _, verb := range access.Verbs {
				granted := ours.grant.Scope(verb)
				*granted = granted.Widest(*theirs.grant.Scope(verb))
			}
			for field, left := range theirs.fields {
				ours.fields[field] = ours.fields[field].Narrowest(left)
			}
		}
	}
	rows := fewestRows(sources)
	var grants []access.Grant
	for _, model := range sortedKeys(all) {
		if g := all[model].finish(rows); grantsAny(&g) {
			grants = append(grants, g)
		}
	}
	return grants
}

// allRows is how many rows may be exported where nothing limits it.
const allRows = math.MaxInt32

// exportRows says how many rows an export rule leaves. What it does not say clearly is none.
func exportRows(e *v1alpha1.ExportRule) int32 {
	switch {
	case e.Mode == "Allow":
		return allRows
	case e.Mode == "Limited" && e.MaxRows != nil:
		return max(0, *e.MaxRows)
	}
	return 0
}

// fewestRows is the strictest of the export rules. Where there is none, nothing may be exported.
func fewestRows(sources []*source) int32 {
	fewest, declared := int32(allRows), false
	for _, s := range sources {
		if s.export != nil {
			fewest, declared = min(fewest, *s.export), true
		}
	}
	if !declared {
		return 0
	}
	return fewest
}

// finish puts fields and the export rule into the grant.
func (m *modelRights) finish(rows int32) access.Grant {
	g := m.grant
	switch {
	case rows == 0:
		g.Export = access.ScopeNone
	case rows < allRows && g.Export != access.ScopeNone:
		g.ExportMaxRows = rows
	}
	for _, field := range sortedKeys(m.fields) {
		g.Fields = append(g.Fields, access.FieldAccess{Field: field, Access: m.fields[field]})
	}
	return g
}

func grantsAny(g *access.Grant) bool {
	return slices.ContainsFunc(access.Verbs, func(v v1alpha1.Verb) bool { return *g.Scope(v) != access.ScopeNone })
}

// Union gives the rights that a product gives to somebody who has several native roles: it adds them up.
func Union(roles ...[]access.Grant) []access.Grant {
	all := make(map[string]access.Grant)
	for _, grants := range roles {
		for _, g := range grants {
			if before, ok := all[g.Model]; ok {
				g = add(before, g)
			}
			all[g.Model] = g
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b access.Grant) int { return strings.Compare(a.Model, b.Model) })
}

func add(a, b access.Grant) access.Grant {
	sum := access.Grant{Model: a.Model, ExportMaxRows: addRows(a, b)}
	for _, verb := range access.Verbs {
		*sum.Scope(verb) = a.Scope(verb).Widest(*b.Scope(verb))
	}
	for _, f := range a.Fields {
		i := slices.IndexFunc(b.Fields, func(o access.FieldAccess) bool { return o.Field == f.Field })
		if i < 0 {
			continue // b leaves it as it is.
		}
		if b.Fields[i].Access.Leaves(f.Access) {
			f = b.Fields[i]
		}
		sum.Fields = append(sum.Fields, f)
	}
	return sum
}

// addRows adds up limits, of which zero is none.
func addRows(a, b access.Grant) int32 {
	switch {
	case a.Export == access.ScopeNone:
		return b.ExportMaxRows
	case b.Export == access.ScopeNone:
		return a.ExportMaxRows
	case a.ExportMaxRows == 0 || b.ExportMaxRows == 0:
		return 0
	}
	return max(a.ExportMaxRows, b.ExportMaxRows)
}

func equal(a, b []access.Grant) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

func session(sources []*source) access.Session {
	var s access.Session
	for _, source := range sources {
		s = s.Strictest(source.limits)
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
