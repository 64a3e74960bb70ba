package tryton

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const (
	// batchSize bounds the records that one call writes.
	batchSize = 200
	// accountBatchSize is smaller, as Tryton hashes a password for each.
	accountBatchSize = 25
	// putOutTries bounds how often sessions are ended that were begun while their account was closed.
	putOutTries = 3
)

// applier executes changes.
type applier struct {
	client  *client
	company int
	// passwords is Connection.Invite.
	passwords func(context.Context, []string) (map[string]secret.String, error)
	// ids of records by what refers to them: groupRef, modelRef, fieldRef, dataRef.
	ids map[any]int
	// made are IDs of accounts by login.
	made    map[string]int
	invited []string
	left    []access.Leaver
}

// apply executes changes in their order, and gives how many are done.
func (a *applier) apply(ctx context.Context, changes []change, users []userRow) (done int, err error) {
	if err := a.lookUp(ctx, changes); err != nil {
		return 0, err
	}
	leaving := false
	for done < len(changes) {
		batch := nextBatch(changes[done:])
		if leaving && batch[0].Stage != putOut {
			if err := a.confirmLeft(ctx, changes[:done], users); err != nil {
				return done, err
			}
		}
		leaving = batch[0].Stage == putOut
		if err := a.execute(ctx, batch); err != nil {
			return done, fmt.Errorf("%s of %s: %w", batch[0].Operation, batch[0].Model, err)
		}
		done += len(batch)
	}
	if leaving {
		return done, a.confirmLeft(ctx, changes, users)
	}
	return done, nil
}

// nextBatch gives the first changes that one call can do.
func nextBatch(changes []change) []change {
	first, limit := changes[0], batchSize
	if first.Model == userModel && first.Operation == create {
		limit = accountBatchSize
	}
	n := 1
	for n < len(changes) && n < limit {
		next := changes[n]
		if next.Stage != first.Stage || next.Operation != first.Operation || next.Model != first.Model {
			break
		}
		n++
	}
	return changes[:n]
}

func (a *applier) execute(ctx context.Context, batch []change) error {
	model := batch[0].Model
	switch batch[0].Operation {
	case create:
		return a.create(ctx, batch)
	case write:
		arguments := make([]any, 0, 2*len(batch))
		for _, c := range batch {
			values, err := a.resolve(c.Values)
			if err != nil {
				return err
			}
			arguments = append(arguments, []int{c.ID}, values)
		}
		return a.client.call(ctx, model, "write", true, nil, arguments...)
	case employ:
		return a.employ(ctx, batch)
	default:
		ids := make([]int, 0, len(batch))
		for _, c := range batch {
			ids = append(ids, c.ID)
		}
		return a.client.call(ctx, model, string(batch[0].Operation), true, nil, ids)
	}
}

func (a *applier) create(ctx context.Context, batch []change) error {
	model := batch[0].Model
	list := make([]any, 0, len(batch))
	var logins []string
	if model == userModel {
		for _, c := range batch {
			logins = append(logins, c.Values["login"].(string))
		}
	}
	passwords, err := a.invite(ctx, logins)
	if err != nil {
		return err
	}
	for _, c := range batch {
		resolved, err := a.resolve(c.Values)
		if err != nil {
			return err
		}
		values := resolved.(map[string]any)
		if model == userModel {
			values["password"] = passwords[values["login"].(string)].Reveal()
		}
		list = append(list, values)
	}
	var ids []int
	if err := a.client.call(ctx, model, "create", true, &ids, list); err != nil {
		return err
	}
	if len(ids) != len(batch) {
		return fmt.Errorf("Tryton made %d records of %d", len(ids), len(batch)) //nolint:staticcheck // a name
	}
	a.invited = append(a.invited, logins...)
	for i, c := range batch {
		switch model {
		case "res.group":
			a.ids[groupRef(c.Values["name"].(string))] = ids[i]
		case userModel:
			a.made[c.Values["login"].(string)] = ids[i]
		}
	}
	return nil
}

func (a *applier) invite(ctx context.Context, logins []string) (map[string]secret.String, error) {
	if logins == nil {
		return nil, nil
	}
	return a.passwords(ctx, logins)
}

// employ gives accounts the company, and makes employees, each with a party of its own, for those that need one.
func (a *applier) employ(ctx context.Context, batch []change) error {
	var parties, employees []any
	for _, c := range batch {
		if c.Values["employee"].(bool) {
			parties = append(parties, map[string]any{"name": c.Values["name"]})
		}
	}
	var partyIDs, employeeIDs []int
	if parties != nil {
		if err := a.client.call(ctx, partyModel, "create", true, &partyIDs, parties); err != nil {
			return err
		}
		for _, id := range partyIDs {
			employees = append(employees, map[string]any{"party": id, "company": a.company})
		}
		if err := a.client.call(ctx, employeeModel, "create", true, &employeeIDs, employees); err != nil {
			return err
		}
	}
	var arguments []any
	for _, c := range batch {
		id := c.ID
		if id == 0 {
			id = a.made[c.Values["login"].(string)]
		}
		values := map[string]any{"companies": []any{add([]int{a.company})}, "company": a.company}
		if c.Values["employee"].(bool) && len(employeeIDs) > 0 {
			values["employees"], values["employee"] = []any{add(employeeIDs[:1])}, employeeIDs[0]
			employeeIDs = employeeIDs[1:]
		}
		arguments = append(arguments, []int{id}, values)
	}
	return a.client.call(ctx, userModel, "write", true, nil, arguments...)
}

// confirmLeft ends sessions that were begun between the check of a password and the end of its account, and then counts the accounts as left.
func (a *applier) confirmLeft(ctx context.Context, done []change, users []userRow) error {
	var ids []int
	for _, c := range done {
		if c.Stage == putOut && c.Operation == write {
			ids = append(ids, c.ID)
		}
	}
	for range putOutTries {
		var open []userRow
		domain := []any{[]any{"id", "in", ids}, []any{"active", "=", false}}
		if err := searchAll(ctx, a.client, userModel, true, domain, &open, "sessions"); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(user userRow) bool { return user.Sessions == 0 })
		if len(open) == 0 {
			a.countLeft(done, users)
			return nil
		}
		again := make([]int, 0, len(open))
		for _, user := range open {
			again = append(again, user.ID)
		}
		if err := a.client.call(ctx, userModel, "write", true, nil, again, map[string]any{"active": false}); err != nil {
			return err
		}
	}
	return fmt.Errorf("sessions of accounts that are closed are begun faster than they are ended; is another program of Tryton's running on the database?")
}

func (a *applier) countLeft(done []change, users []userRow) {
	closed := map[string]bool{}
	for _, c := range done {
		if c.Stage == putOut {
			closed[c.Difference.Subject] = true
		}
	}
	now := time.Now()
	for _, user := range users {
		if closed["account "+user.Login] {
			a.left = append(a.left, access.Leaver{Login: user.Login, At: now})
		}
	}
}

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
			if err := a.lookUpData(ctx, r); err != nil {
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

func (a *applier) lookUpData(ctx context.Context, of dataRef) error {
	var rows []struct {
		ID int `json:"db_id"`
	}
	domain := []any{[]any{"module", "=", of.Module}, []any{"fs_id", "=", of.Name}}
	if err := searchAll(ctx, a.client, "ir.model.data", false, domain, &rows, "db_id"); err != nil {
		return err
	}
	for _, row := range rows {
		a.ids[of] = row.ID
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
