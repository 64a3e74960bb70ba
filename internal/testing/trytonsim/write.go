package trytonsim

import (
	"fmt"
	"maps"
	"slices"
)

// create makes records, all of them or none.
func (d *database) create(caller int, model string, list []map[string]any) ([]int, error) {
	if err := d.checkUnique(model, list); err != nil {
		return nil, err
	}
	ids := []int{}
	for _, values := range list {
		r := record{"id": d.tables[model].last + 1}
		maps.Copy(r, defaults[model])
		d.tables[model].add(r)
		if err := d.set(caller, model, r, values); err != nil {
			return nil, err
		}
		ids = append(ids, r.id())
	}
	return ids, nil
}

func (d *database) checkUnique(model string, list []map[string]any) error {
	field := unique[model]
	if field == "" {
		return nil
	}
	known := map[any]bool{}
	for _, r := range d.tables[model].byID {
		known[r[field]] = true
	}
	for _, values := range list {
		if known[values[field]] {
			return fmt.Errorf("there is a %s with the %s %v already", model, field, values[field])
		}
		known[values[field]] = true
	}
	return nil
}

// write changes records. Whoever changes the state or the password of an account ends its sessions, as far as a rule lets the caller see them.
func (d *database) write(caller int, model string, ids []int, values map[string]any) error {
	for _, id := range ids {
		r := d.tables[model].byID[id]
		if r == nil {
			return fmt.Errorf("there is no %s with the ID %d", model, id)
		}
		if err := d.set(caller, model, r, values); err != nil {
			return err
		}
		_, active := values["active"]
		_, password := values["password"]
		if model == userModel && (active || password) && (caller == id || d.mayEndSessions(caller)) {
			d.endSessions(id)
		}
	}
	return nil
}

// set puts values into a record.
func (d *database) set(caller int, model string, r record, values map[string]any) error {
	for name, value := range values {
		of := relations[model][name]
		switch {
		case of.many:
			if err := d.command(caller, r, name, of, value); err != nil {
				return fmt.Errorf("%s of %s: %w", name, model, err)
			}
		case of.to != "" && value != nil && !d.exists(of.to, value):
			return fmt.Errorf("%s of %s: there is no %s with the ID %v", name, model, of.to, value)
		case model == userModel && name == "password":
			d.passwords[r.id()] = clearText(value.(string))
		case model == userModel && name == "password_hash":
			d.passwords[r.id()] = hashed(value.(string))
		default:
			r[name] = value
		}
	}
	return nil
}

func (d *database) exists(model string, id any) bool {
	number, is := id.(int)
	return is && d.tables[model].byID[number] != nil
}

// command executes what is to be done to a field with several records.
func (d *database) command(caller int, r record, name string, of relation, value any) error {
	commands, _ := asList(value)
	for _, part := range commands {
		command, _ := part.([]any)
		if len(command) != 2 {
			return fmt.Errorf("%v is no command", part)
		}
		ids, _ := command[1].([]int)
		held, _ := r[name].([]int)
		switch command[0] {
		case "create":
			if err := d.createRelated(caller, r, name, of, command[1]); err != nil {
				return err
			}
		case "delete":
			for _, id := range ids {
				d.remove(of.to, id)
			}
		case "add":
			for _, id := range ids {
				if !d.exists(of.to, id) {
					return fmt.Errorf("there is no %s with the ID %d", of.to, id)
				}
				if !slices.Contains(held, id) {
					held = append(slices.Clone(held), id)
				}
			}
			r[name] = held
		case "remove":
			r[name] = slices.DeleteFunc(slices.Clone(held), func(id int) bool { return slices.Contains(ids, id) })
		default:
			return fmt.Errorf("%v is not simulated", command[0])
		}
	}
	return nil
}

func (d *database) createRelated(caller int, r record, name string, of relation, value any) error {
	rows, err := valuesOf(value)
	if err != nil {
		return err
	}
	if of.by != "" {
		for _, values := range rows {
			values[of.by] = r.id()
		}
	}
	ids, err := d.create(caller, of.to, rows)
	if err == nil && of.by == "" {
		held, _ := r[name].([]int)
		r[name] = slices.Concat(held, ids)
	}
	return err
}

// remove deletes a record, takes it out of what holds several of its kind, and deletes what belongs to it.
func (d *database) remove(model string, id int) {
	d.tables[model].remove(id)
	for other, fields := range relations {
		for name, of := range fields {
			if of.to == model && of.by == "" {
				d.unlink(other, name, of, id)
			}
		}
	}
}

func (d *database) unlink(model, field string, of relation, id int) {
	t := d.tables[model]
	for _, holder := range slices.Clone(t.order) {
		r := t.byID[holder]
		switch held := r[field].(type) {
		case int:
			if !of.many && held == id {
				d.remove(model, holder)
			}
		case []int:
			if slices.Contains(held, id) {
				r[field] = slices.DeleteFunc(slices.Clone(held), func(other int) bool { return other == id })
			}
		}
	}
}

func valuesOf(value any) ([]map[string]any, error) {
	list, _ := asList(value)
	rows := make([]map[string]any, 0, len(list))
	for _, part := range list {
		values, is := part.(map[string]any)
		if !is {
			return nil, fmt.Errorf("%v are no values", part)
		}
		rows = append(rows, values)
	}
	return rows, nil
}
