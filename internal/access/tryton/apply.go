package tryton

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const (
	// batchSize bounds the records that one call writes.
	batchSize = 200
	// putOutTries bounds how often sessions are ended that were begun while their account was closed.
	putOutTries = 3
)

// applier executes changes.
type applier struct {
	client *client
	// passwords is Connection.Invite.
	passwords func(context.Context, []string) (map[string]secret.String, error)
	// ids of records by what refers to them: groupRef, modelRef, fieldRef, dataRef.
	ids     map[any]int
	invited []string
	left    []access.Leaver
}

// apply executes changes in their order, and gives how many are done.
func (a *applier) apply(ctx context.Context, changes []change, users []userRow) (done int, err error) {
	if err := a.lookUp(ctx, changes); err != nil {
		return 0, err
	}
	for done < len(changes) {
		batch := nextBatch(changes[done:])
		if err := a.execute(ctx, batch); err != nil {
			return done, fmt.Errorf("%s of %s: %w", batch[0].Operation, batch[0].Model, err)
		}
		done += len(batch)
		stage := batch[0].Stage
		if closes := stage == putOut || stage == lock; !closes || done < len(changes) && changes[done].Stage == stage {
			continue
		}
		if err := a.confirmClosed(ctx, changes[:done], stage); err != nil {
			return slices.IndexFunc(changes, func(c change) bool { return c.Stage == stage }), err
		}
		if stage == putOut {
			a.countLeft(changes[:done], users)
		}
	}
	return done, nil
}

// nextBatch gives the first changes that one call can do.
func nextBatch(changes []change) []change {
	first := changes[0]
	n := 1
	for n < len(changes) && n < batchSize {
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
	if operation := batch[0].Operation; operation == remove || operation == cancel {
		ids := make([]int, 0, len(batch))
		for _, c := range batch {
			ids = append(ids, c.ID)
		}
		return a.client.call(ctx, model, string(operation), true, nil, ids)
	}
	values, err := a.values(ctx, batch)
	if err != nil {
		return err
	}
	if batch[0].Operation == create {
		err = a.create(ctx, batch, values)
	} else {
		arguments := make([]any, 0, 2*len(batch))
		for i, c := range batch {
			arguments = append(arguments, []int{c.ID}, values[i])
		}
		err = a.client.call(ctx, model, "write", true, nil, arguments...)
	}
	if err != nil {
		return err
	}
	for _, c := range batch {
		if c.Invite != "" {
			a.invited = append(a.invited, c.Invite)
		}
	}
	return nil
}

// values gives what is written for each change: its own values, a first password and a place in the company.
func (a *applier) values(ctx context.Context, batch []change) ([]map[string]any, error) {
	all := make([]map[string]any, 0, len(batch))
	for _, c := range batch {
		resolved, err := a.resolve(c.Values)
		if err != nil {
			return nil, err
		}
		all = append(all, resolved.(map[string]any))
	}
	if err := a.invite(ctx, batch, all); err != nil {
		return nil, err
	}
	return all, a.place(ctx, batch, all)
}

func (a *applier) create(ctx context.Context, batch []change, values []map[string]any) error {
	var ids []int
	if err := a.client.call(ctx, batch[0].Model, "create", true, &ids, values); err != nil {
		return err
	}
	if len(ids) != len(batch) {
		return fmt.Errorf("Tryton made %d records of %d", len(ids), len(batch)) //nolint:staticcheck // a name
	}
	for i, c := range batch {
		if c.Model == "res.group" {
			a.ids[groupRef(c.Values["name"].(string))] = ids[i]
		}
	}
	return nil
}

// confirmClosed ends sessions that were begun between the check of a password and the end of its account.
func (a *applier) confirmClosed(ctx context.Context, done []change, at stage) error {
	var ids []int
	for _, c := range done {
		if c.Stage == at && c.Operation == write {
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
