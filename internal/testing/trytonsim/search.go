package trytonsim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// search gives the IDs of the records of a domain, in order.
func (d *database) search(model string, domain any, everybody bool) ([]int, error) {
	t := d.tables[model]
	if t == nil {
		return nil, fmt.Errorf("there is no model %s", model)
	}
	var found []int
	for _, id := range t.order {
		r := t.byID[id]
		if active, has := r["active"].(bool); has && !active && !everybody {
			continue
		}
		matches, err := d.matches(model, r, domain)
		if err != nil {
			return nil, err
		}
		if matches {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found, nil
}

// matches says whether a record is of a domain: a clause, or a list of domains that all hold, or of which one does if it begins with OR.
func (d *database) matches(model string, r record, domain any) (bool, error) {
	list, is := asList(domain)
	if !is {
		return false, fmt.Errorf("%v is no domain", domain)
	}
	if name, operator, value, is := clause(list); is {
		return d.compare(model, r, name, operator, value)
	}
	one := len(list) > 0 && list[0] == "OR"
	if one || len(list) > 0 && list[0] == "AND" {
		list = list[1:]
	}
	for _, part := range list {
		holds, err := d.matches(model, r, part)
		if err != nil || holds == one {
			return one && err == nil, err
		}
	}
	return !one, nil
}

func asList(value any) ([]any, bool) {
	if ids, is := value.([]int); is && len(ids) == 0 {
		return nil, true
	}
	list, is := value.([]any)
	return list, is
}

func clause(list []any) (name, operator string, value any, is bool) {
	if len(list) != 3 {
		return "", "", nil, false
	}
	name, first := list[0].(string)
	operator, second := list[1].(string)
	return name, operator, list[2], first && second
}

// compare follows a name with dots to what it leads to: one of the values has to match.
func (d *database) compare(model string, r record, name, operator string, value any) (bool, error) {
	name, rest, further := strings.Cut(name, ".")
	held := d.get(model, r, name)
	of := relations[model][name]
	if further {
		if of.to == "" {
			return false, fmt.Errorf("%s of %s leads to no other model", name, model)
		}
		for _, id := range references(held) {
			holds, err := d.compare(of.to, d.tables[of.to].byID[id], rest, operator, value)
			if err != nil || holds {
				return holds, err
			}
		}
		return false, nil
	}
	if of.many {
		return comparesMany(held.([]int), operator, value)
	}
	return compares(held, operator, value)
}

func references(held any) []int {
	switch v := held.(type) {
	case int:
		return []int{v}
	case []int:
		return v
	}
	return nil
}

func comparesMany(held []int, operator string, value any) (bool, error) {
	switch id, is := value.(int); {
	case value == nil && operator == "=":
		return len(held) == 0, nil
	case value == nil && operator == "!=":
		return len(held) > 0, nil
	case is && operator == "=":
		return slices.Contains(held, id), nil
	}
	return false, fmt.Errorf("operator %s with %v is not simulated for several records", operator, value)
}

func compares(held any, operator string, value any) (bool, error) {
	switch operator {
	case "=":
		return held == value, nil
	case "!=":
		return held != value, nil
	case "in":
		list := reflect.ValueOf(value)
		for i := range list.Len() {
			if list.Index(i).Interface() == held {
				return true, nil
			}
		}
		return false, nil
	case "like":
		text, _ := held.(string)
		start, is := strings.CutSuffix(fmt.Sprint(value), "%")
		if !is || strings.ContainsAny(start, "%_") {
			break
		}
		return strings.HasPrefix(text, start), nil
	}
	return false, fmt.Errorf("operator %s with %v is not simulated", operator, value)
}
