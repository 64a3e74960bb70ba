package trytonsim

import "strings"

// get gives what a field holds, and what Tryton computes.
func (d *database) get(model string, r record, field string) any {
	of, related := relations[model][field]
	switch {
	case related && of.by != "":
		ids := []int{}
		for _, id := range d.tables[of.to].order {
			if d.tables[of.to].byID[id][of.by] == r.id() {
				ids = append(ids, id)
			}
		}
		return ids
	case related && of.many:
		if ids, has := r[field].([]int); has {
			return ids
		}
		return []int{}
	case model == userModel && field == "sessions":
		return len(d.sessionsOf(r.id()))
	case model == userModel && field == "password":
		return strings.Repeat("x", 10)
	case model == userModel && field == "password_hash":
		return nil
	}
	return r[field]
}

// read gives fields of records. "a.b" gives the field b of the record, or the records, that a leads to, below "a.".
func (d *database) read(model string, ids []int, fields []string, everybody bool) []map[string]any {
	rows := make([]map[string]any, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, d.readOne(model, d.tables[model].byID[id], fields, everybody))
	}
	return rows
}

func (d *database) readOne(model string, r record, fields []string, everybody bool) map[string]any {
	row := map[string]any{"id": r.id()}
	further := map[string][]string{}
	for _, name := range fields {
		if first, rest, related := strings.Cut(name, "."); related {
			further[first] = append(further[first], rest)
			continue
		}
		row[name] = d.shown(model, r, name, everybody)
	}
	for name, rest := range further {
		of := relations[model][name]
		ids := references(d.shown(model, r, name, everybody))
		switch rows := d.read(of.to, ids, rest, everybody); {
		case of.many:
			row[name+"."] = rows
		case len(rows) > 0:
			row[name+"."] = rows[0]
		default:
			row[name+"."] = nil
		}
	}
	return row
}

// shown leaves out of several records those that are not active, unless they are asked for.
func (d *database) shown(model string, r record, field string, everybody bool) any {
	held := d.get(model, r, field)
	of := relations[model][field]
	if !of.many || everybody {
		return held
	}
	ids := []int{}
	for _, id := range held.([]int) {
		if d.tables[of.to].byID[id]["active"] != false {
			ids = append(ids, id)
		}
	}
	return ids
}
