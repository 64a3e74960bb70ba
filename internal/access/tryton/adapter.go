package tryton

import (
	"context"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Adapter brings Trytons to plans.
type Adapter struct{}

var _ access.Adapter = Adapter{}

// Bring implements access.Adapter.
func (Adapter) Bring(ctx context.Context, to access.Connection, plan access.Plan, mode access.Mode) (report access.Report, err error) {
	c, err := login(ctx, to)
	if err != nil {
		report.Calls = c.calls
		return report, err
	}
	defer func() {
		c.logout(ctx)
		report.Calls = c.calls
	}()
	want := desire(&plan)
	who := accounts{Operator: to.Login, Exempt: plan.Exempt, Leaving: plan.Leaving, Unknown: plan.UnknownAccounts, Administrator: plan.Administrator}
	found, changes, err := compare(ctx, c, want, who, mode)
	if err != nil {
		return report, err
	}
	report.Differences = differences(changes)
	report.UnknownAccounts = unknownAccounts(want, found, who)
	if mode == access.ModeReport {
		return report, nil
	}
	a := &applier{client: c, passwords: to.Invite, ids: found.groupIDs()}
	done, err := a.apply(ctx, changes, found.Users)
	report.Applied = applied(changes, done)
	report.Invited, report.Left = a.invited, a.left
	if slices.ContainsFunc(report.Applied, func(d access.Difference) bool { return d.Subject == administratorSubject(plan.Administrator.Login) }) {
		report.Administrator = plan.Administrator.State
	}
	return report, err
}

// compare reads what the mode is about, and gives what is to be changed.
func compare(ctx context.Context, c *client, want *desired, who accounts, mode access.Mode) (*observed, []change, error) {
	if mode == access.ModePutOut {
		found, err := observeLeavers(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		return found, diffLeavers(want, found, who), nil
	}
	found, err := observe(ctx, c, want, who.Operator)
	if err != nil {
		return nil, nil, err
	}
	return found, diff(want, found, who), nil
}

// differences gives each difference once: some take two changes.
func differences(changes []change) []access.Difference {
	var list []access.Difference
	known := map[access.Difference]bool{}
	for _, c := range changes {
		if !known[c.Difference] {
			known[c.Difference] = true
			list = append(list, c.Difference)
		}
	}
	return list
}

// applied gives the differences of which every change is done.
func applied(changes []change, done int) []access.Difference {
	open := map[access.Difference]bool{}
	for _, d := range differences(changes[done:]) {
		open[d] = true
	}
	return slices.DeleteFunc(differences(changes[:done]), func(d access.Difference) bool { return open[d] })
}

func (o *observed) groupIDs() map[any]int {
	ids := map[any]int{}
	for _, group := range o.Groups {
		ids[groupRef(group.Name)] = group.ID
	}
	return ids
}

// Unknown implements access.Adapter.
func (Adapter) Unknown(ctx context.Context, to access.Connection, models []access.Model) (unknown []string, err error) {
	c, err := login(ctx, to)
	if err != nil {
		return nil, err
	}
	defer c.logout(ctx)
	names := make([]string, 0, len(models))
	for _, model := range models {
		names = append(names, model.Name)
	}
	found, err := lookUp(ctx, c, names)
	if err != nil {
		return nil, err
	}
	for _, model := range models {
		if _, known := found[modelRef(model.Name)]; !known {
			unknown = append(unknown, model.Name)
			continue
		}
		// An owner may be a field of a related record: Tryton refuses a rule whose further parts it does not know.
		owner, _, _ := strings.Cut(model.OwnerField, ".")
		team, _, _ := strings.Cut(model.TeamField, ".")
		for _, field := range slices.Concat(model.Fields, []string{owner, team}) {
			if _, known := found[fieldRef{model.Name, field}]; !known && field != "" {
				unknown = append(unknown, model.Name+"."+field)
			}
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown), nil
}

// lookUp gives the IDs of models and of their fields.
func lookUp(ctx context.Context, c *client, models []string) (map[any]int, error) {
	var modelRows []struct {
		ID    int    `json:"id"`
		Model string `json:"model"`
	}
	var fieldRows []struct {
		ID    int       `json:"id"`
		Name  string    `json:"name"`
		Model modelName `json:"model."`
	}
	if err := searchAll(ctx, c, "ir.model", false, []any{[]any{"model", "in", models}}, &modelRows, "model"); err != nil {
		return nil, err
	}
	if err := searchAll(ctx, c, "ir.model.field", false, []any{[]any{"model.model", "in", models}}, &fieldRows, "name", "model.model"); err != nil {
		return nil, err
	}
	ids := map[any]int{}
	for _, row := range modelRows {
		ids[modelRef(row.Model)] = row.ID
	}
	for _, row := range fieldRows {
		ids[fieldRef{row.Model.Model, row.Name}] = row.ID
	}
	return ids, nil
}
