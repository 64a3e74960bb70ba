package nocobase

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

const (
	// memberBatch bounds the accounts of one request that gives or takes a role.
	memberBatch = 200
	// passwordBatch is smaller, as NocoBase hashes a password for each, one after the other.
	passwordBatch = 25

	peopleScope = scopePrefix + "people"
	formerScope = scopePrefix + "former people"
)

// accounts says how those accounts are treated that the plan has no role for.
type accounts struct {
	// Operator is the number of the account that the adapter works as.
	Operator int64
	// Exempt logins, which are never touched.
	Exempt []string
	// Leaving are logins that are put out whatever roles they have.
	Leaving       []string
	Unknown       access.UnknownAccounts
	Administrator access.Administrator
}

func (a accounts) exempt(user *userRow) bool {
	return user.ID == a.Operator || user.is(a.Administrator.Login) || slices.ContainsFunc(a.Exempt, user.is)
}

// planned gives the login that the plan knows an account by. Empty: it knows none.
func (d *desired) planned(user *userRow) string {
	for _, login := range []string{user.Username, user.Email} {
		if _, known := d.People[login]; known && user.is(login) {
			return login
		}
	}
	return ""
}

// governed gives the numbers of accounts that are a plan's, and of those that were.
func (o *observed) governed() (people, former []int64) {
	return o.numbers(peopleScope), o.numbers(formerScope)
}

func (o *observed) numbers(scope string) []int64 {
	var filter struct {
		ID struct {
			In []int64 `json:"$in"`
		} `json:"id"`
	}
	if found := o.scope(scope); found == nil || json.Unmarshal(found.Filter, &filter) != nil {
		return nil
	}
	return filter.ID.In
}

// leavers are accounts that the plan does not have, or has no longer, and that may still do something.
func leavers(d *desired, o *observed, who accounts) []*userRow {
	people, former := o.governed()
	var leaving []*userRow
	for i := range o.Users {
		user := &o.Users[i]
		if who.exempt(user) || d.planned(user) != "" {
			continue
		}
		active := len(user.Roles) > 0
		switch {
		case slices.Contains(people, user.ID), active && slices.Contains(former, user.ID), user.holdsOurs(),
			active && slices.ContainsFunc(who.Leaving, user.is),
			active && who.Unknown == access.UnknownAccountsDeactivate:
			leaving = append(leaving, user)
		}
	}
	return leaving
}

func (u *userRow) holdsOurs() bool {
	for _, role := range u.Roles {
		if ours(role.Name) {
			return true
		}
	}
	return false
}

// unknownAccounts lists who can log in without being of the plan, or having been.
func unknownAccounts(d *desired, o *observed, who accounts) []string {
	people, former := o.governed()
	var logins []string
	for i := range o.Users {
		user := &o.Users[i]
		known := who.exempt(user) || d.planned(user) != "" || slices.Contains(people, user.ID) || slices.Contains(former, user.ID) || user.holdsOurs()
		if len(user.Roles) > 0 && !known {
			logins = append(logins, user.login())
		}
	}
	slices.Sort(logins)
	return logins
}

// diffLeavers takes every role from those who leave, which ends all they can do at once, and then their passwords, which ends their sessions.
func diffLeavers(d *desired, o *observed, who accounts) []change {
	leaving := leavers(d, o, who)
	if len(leaving) == 0 {
		return nil
	}
	var ids []int64
	var all []access.Difference
	held := map[string][]member{}
	for _, user := range leaving {
		difference := access.Difference{Subject: "account " + user.login(), Found: "may log in", Planned: "put out"}
		ids, all = append(ids, user.ID), append(all, difference)
		for _, role := range user.Roles {
			held[role.Name] = append(held[role.Name], member{user.ID, difference})
		}
	}
	changes := membership(putOut, "remove", held)
	for some := range slices.Chunk(ids, passwordBatch) {
		changes = append(changes, change{Stage: putOut, Differences: all, Request: request{Action: "users:update",
			Parameters: map[string]any{"filter": numbered(some)}, Body: map[string]any{"password": lostPassword{}}}})
	}
	people, former := o.governed()
	without := func(list []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(list), func(id int64) bool { return slices.Contains(ids, id) })
	}
	changes = append(changes, o.keep(putOut, formerScope, slices.Concat(without(former), ids), all)...)
	return append(changes, o.keep(putOut, peopleScope, without(people), all)...)
}

func numbered[ID any](ids []ID) map[string]any {
	return map[string]any{"id": map[string]any{"$in": slices.Concat([]ID{}, ids)}}
}

// keep writes down which accounts are a plan's, or were.
func (o *observed) keep(at stage, scope string, ids []int64, found []access.Difference) []change {
	slices.Sort(ids)
	if o.scope(scope) != nil && slices.Equal(o.numbers(scope), slices.Compact(ids)) {
		return nil
	}
	return []change{{Stage: at, Differences: found, Request: o.keeping(scope, numbered(slices.Compact(ids)))}}
}

// keeping is the request that writes a list of accounts down as the filter of a scope, which no role uses.
func (o *observed) keeping(scope string, filter map[string]any) request {
	if there := o.scope(scope); there != nil {
		return request{Action: scopeResource + ":update", Parameters: map[string]any{"filterByTk": there.ID}, Body: map[string]any{"scope": filter}}
	}
	return request{Action: makeScopes,
		Body: []any{map[string]any{"name": scope, "resourceName": "users", "dataSourceKey": mainSource, "scope": filter}}}
}

// member is an account that is to get or lose a role: its number, or an accountRef.
type member struct {
	ID         any
	Difference access.Difference
}

// membership gives or takes roles, in few requests for each role.
func membership(at stage, verb string, members map[string][]member) []change {
	var changes []change
	for _, role := range slices.Sorted(maps.Keys(members)) {
		for some := range slices.Chunk(members[role], memberBatch) {
			c := change{Stage: at}
			var ids []any
			for _, m := range some {
				ids, c.Differences = append(ids, m.ID), append(c.Differences, m.Difference)
			}
			c.Request = request{Action: "roles/" + role + "/users:" + verb, Body: ids}
			changes = append(changes, c)
		}
	}
	return changes
}

func diffAdministrator(o *observed, who accounts) []change {
	for i := range o.Users {
		user := &o.Users[i]
		if !user.is(who.Administrator.Login) {
			continue
		}
		difference := access.Difference{Subject: administratorSubject(who.Administrator.Login), Planned: string(who.Administrator.State)}
		switch locked := len(user.Roles) == 0; {
		case who.Administrator.State == v1alpha1.AdministratorLocked && !locked:
			held := map[string][]member{}
			for _, role := range user.Roles {
				held[role.Name] = []member{{user.ID, difference}}
			}
			return membership(lock, "remove", held)
		case who.Administrator.State == v1alpha1.AdministratorOpen && locked:
			return membership(lock, "add", map[string][]member{rootRole: {{user.ID, difference}}})
		}
	}
	return nil
}

func administratorSubject(login string) string { return "administrator " + login }
