package tryton

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// lookUp finds the records that changes refer to, unless they are made by them.
func (a *applier) lookUp(ctx context.Context, changes []change) error {
	wanted := map[any]bool{}
	for _, c := range changes {
		references(c.Values, wanted)
	}
	var models []string
	for reference := range wanted {
		switch r := reference.(type) {
		case modelRef:
			models = append(models, string(r))
		case fieldRef:
			models = append(models, r.Model)
		case dataRef:
			if err := lookUpData(ctx, a.client, r, a.ids); err != nil {
				return err
			}
		}
	}
	if models == nil {
		return nil
	}
	slices.Sort(models)
	found, err := lookUp(ctx, a.client, slices.Compact(models))
	maps.Copy(a.ids, found)
	return err
}

// lookUpData finds a record that a module of Tryton's brought along.
func lookUpData(ctx context.Context, c *client, of dataRef, ids map[any]int) error {
	var rows []struct {
		ID int `json:"db_id"`
	}
	domain := []any{[]any{"module", "=", of.Module}, []any{"fs_id", "=", of.Name}}
	if err := searchAll(ctx, c, "ir.model.data", false, domain, &rows, "db_id"); err != nil {
		return err
	}
	for _, row := range rows {
		ids[of] = row.ID
	}
	return nil
}

// references collects what values refer to.
func references(value any, into map[any]bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, part := range v {
			references(part, into)
		}
	case []any:
		for _, part := range v {
			references(part, into)
		}
	case modelRef, fieldRef, dataRef:
		into[v] = true
	}
}

// resolve puts IDs in the place of references.
func (a *applier) resolve(value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		resolved := make(map[string]any, len(v))
		for name, part := range v {
			r, err := a.resolve(part)
			if err != nil {
				return nil, err
			}
			resolved[name] = r
		}
		return resolved, nil
	case []any:
		resolved := make([]any, 0, len(v))
		for _, part := range v {
			r, err := a.resolve(part)
			if err != nil {
				return nil, err
			}
			resolved = append(resolved, r)
		}
		return resolved, nil
	case groupRef, modelRef, fieldRef, dataRef:
		id, known := a.ids[v]
		if !known {
			return nil, fmt.Errorf("Tryton has no %v; the class's objects name what is not installed", v) //nolint:staticcheck // a name
		}
		return id, nil
	default:
		return v, nil
	}
}
