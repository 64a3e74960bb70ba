package tryton

import (
	"context"
	"fmt"
)

// invite gives those a first password who are to get one. It is handed over before their accounts are made, or let in again.
func (a *applier) invite(ctx context.Context, batch []change, values []map[string]any) error {
	var logins []string
	for _, c := range batch {
		if c.Invite != "" {
			logins = append(logins, c.Invite)
		}
	}
	if logins == nil {
		return nil
	}
	passwords, err := a.passwords(ctx, logins)
	if err != nil {
		return err
	}
	for i, c := range batch {
		if c.Invite == "" {
			continue
		}
		hash, err := hash(passwords[c.Invite])
		if err != nil {
			return fmt.Errorf("account %s: %w", c.Invite, err)
		}
		values[i]["password_hash"] = hash
	}
	return nil
}

// place gives those the company who are to get it, and makes employees, each with a party of its own, for those who need one.
func (a *applier) place(ctx context.Context, batch []change, values []map[string]any) error {
	employees, err := a.employ(ctx, batch)
	if err != nil {
		return err
	}
	for i, c := range batch {
		if c.Place.Company == 0 {
			continue
		}
		values[i]["companies"], values[i]["company"] = []any{add([]int{c.Place.Company})}, c.Place.Company
		if c.Place.Employee != "" {
			values[i]["employees"], values[i]["employee"] = []any{add(employees[:1])}, employees[0]
			employees = employees[1:]
		}
	}
	return nil
}

// employ makes the employees of a batch, and gives their IDs in its order.
func (a *applier) employ(ctx context.Context, batch []change) (ids []int, err error) {
	var parties, employees []any
	company := 0
	for _, c := range batch {
		if c.Place.Employee != "" {
			company = c.Place.Company
			parties = append(parties, map[string]any{"name": c.Place.Employee})
		}
	}
	if parties == nil {
		return nil, nil
	}
	var made []int
	if err := a.client.call(ctx, partyModel, "create", true, &made, parties); err != nil {
		return nil, err
	}
	for _, id := range made {
		employees = append(employees, map[string]any{"party": id, "company": company})
	}
	if err := a.client.call(ctx, employeeModel, "create", true, &ids, employees); err != nil {
		return nil, err
	}
	if len(ids) != len(parties) {
		return nil, fmt.Errorf("Tryton made %d employees of %d", len(ids), len(parties)) //nolint:staticcheck // a name
	}
	return ids, nil
}
