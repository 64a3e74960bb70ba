package nocobase

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Adapter brings NocoBases to plans.
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
	who := accounts{Operator: c.account, Exempt: plan.Exempt, Leaving: plan.Leaving, Unknown: plan.UnknownAccounts, Administrator: plan.Administrator}
	want, found, changes, err := compare(ctx, c, &plan, who, mode)
	if err != nil {
		return report, err
	}
	report.Differences = differences(changes)
	report.UnknownAccounts = unknownAccounts(want, found, who)
	if mode == access.ModeReport {
		return report, nil
	}
	a := &applier{client: c, invite: to.Invite, ids: found.scopeIDs()}
	done, err := a.apply(ctx, changes)
	report.Applied = applied(changes, done)
	report.Invited, report.Left = a.invited, leaversAt(leavers(want, found, who), changes, done, time.Now())
	if slices.ContainsFunc(report.Applied, func(d access.Difference) bool { return d.Subject == administratorSubject(plan.Administrator.Login) }) {
		report.Administrator = plan.Administrator.State
	}
	return report, err
}

// compare reads what the mode is about, and gives what is to be changed.
func compare(ctx context.Context, c *client, plan *access.Plan, who accounts, mode access.Mode) (*desired, *observed, []change, error) {
	if mode == access.ModePutOut {
		found := &observed{}
		if err := observeAccounts(ctx, c, found); err != nil {
			return nil, nil, nil, err
		}
		want := desire(plan, nil)
		return want, found, slices.Concat(diffLeavers(want, found, who), diffAdministrator(found, who)), nil
	}
	found, err := observe(ctx, c, plan.Models)
	if err != nil {
		return nil, nil, nil, err
	}
	want := desire(plan, found.Collections)
	return want, found, diff(want, found, who), nil
}

func (o *observed) scopeIDs() map[any]int64 {
	ids := map[any]int64{}
	for _, scope := range o.Scopes {
		ids[scopeRef(scope.Name)] = scope.ID
	}
	return ids
}

// Unknown implements access.Adapter.
func (Adapter) Unknown(ctx context.Context, to access.Connection, models []access.Model) ([]string, error) {
	c, err := login(ctx, to)
	if err != nil {
		return nil, err
	}
	defer c.logout(ctx)
	found, err := observeCollections(ctx, c, models)
	if err != nil {
		return nil, err
	}
	unknown := map[string]bool{}
	for _, model := range models {
		of, there := found[model.Name]
		if !there {
			unknown[model.Name] = true
			continue
		}
		// An owner may be a field of a related record.
		owner, _, _ := strings.Cut(model.OwnerField, ".")
		team, _, _ := strings.Cut(model.TeamField, ".")
		for _, field := range slices.Concat(model.Fields, []string{owner, team}) {
			if field != "" && !of.has(field) {
				unknown[model.Name+"."+field] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(unknown)), nil
}
