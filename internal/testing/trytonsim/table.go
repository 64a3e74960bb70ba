package trytonsim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// record of a model. IDs and references are int, several of them []int.
type record map[string]any

func (r record) id() int { return r["id"].(int) }

// table has the records of a model, by ID and in the order of their making.
type table struct {
	byID  map[int]record
	order []int
	last  int
}

func newTable() *table { return &table{byID: map[int]record{}} }

func (t *table) add(r record) {
	t.last = max(t.last, r.id())
	t.byID[r.id()] = r
	t.order = append(t.order, r.id())
}

func (t *table) remove(id int) {
	delete(t.byID, id)
	t.order = slices.DeleteFunc(t.order, func(other int) bool { return other == id })
}

//go:embed start.json
var start []byte

// parsedStart is what every database begins with, read once.
var parsedStart = sync.OnceValue(func() map[string][]record {
	var rows map[string][]map[string]any
	if err := json.Unmarshal(start, &rows); err != nil {
		panic(fmt.Sprintf("start.json: %v", err)) // It is part of the program.
	}
	tables := map[string][]record{}
	for model, list := range rows {
		for _, row := range list {
			tables[model] = append(tables[model], whole(row).(map[string]any))
		}
	}
	return tables
})

func startTables() map[string]*table {
	tables := map[string]*table{}
	for model := range relations {
		tables[model] = newTable()
	}
	for model, rows := range parsedStart() {
		for _, row := range rows {
			// Lists are replaced and never changed, so a flat copy does.
			tables[model].add(maps.Clone(row))
		}
	}
	return tables
}

// whole makes what JSON gives of numbers and of lists of them what records hold.
func whole(value any) any {
	switch v := value.(type) {
	case float64:
		return int(v)
	case map[string]any:
		for name, part := range v {
			v[name] = whole(part)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
		if ids, are := integers(v); are {
			return ids
		}
	}
	return value
}

// integers gives a list of nothing but integers, and tells whether it is one. An empty one is.
func integers(list []any) ([]int, bool) {
	ids := make([]int, 0, len(list))
	for _, part := range list {
		id, is := part.(int)
		if !is {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}
