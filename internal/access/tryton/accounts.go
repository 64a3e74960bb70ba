package tryton

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// rootID is the account as which Tryton itself works. Nobody can log in to it.
const rootID = 0

// accounts says how those accounts are treated that the plan has no role for.
type accounts struct {
	// Operator is the login of the account that the adapter works as.
	Operator string
	// Exempt logins, which are never touched.
	Exempt  []string
	Unknown access.UnknownAccounts
}

func (a accounts) exempt(user *userRow) bool {
	return user.ID == rootID || user.Login == a.Operator || slices.Contains(a.Exempt, user.Login)
}

// unknownAccounts lists who can log in without being of the plan, or having been.
func unknownAccounts(d *desired, o *observed, who accounts) []string {
	governed := o.governed()
	var logins []string
	for i := range o.Users {
		user := &o.Users[i]
		if _, planned := d.Accounts[user.Login]; user.Active && !planned && !who.exempt(user) && !user.in(governed) {
			logins = append(logins, user.Login)
		}
	}
	slices.Sort(logins)
	return logins
}

// governed gives the IDs of crmkeep's groups, with their names.
func (o *observed) governed() map[int]string {
	names := map[int]string{}
	for _, group := range o.Groups {
		names[group.ID] = group.Name
	}
	return names
}

func (u *userRow) in(groups map[int]string) bool {
	return slices.ContainsFunc(u.Groups, func(id int) bool { return groups[id] != "" })
}

// liveKeys are the application keys of an account that work, or would once they are validated.
func (u *userRow) liveKeys() []int {
	var ids []int
	for _, key := range u.Keys {
		if key.State != "cancelled" {
			ids = append(ids, key.ID)
		}
	}
	return ids
}

func diffAccounts(d *desired, o *observed, who accounts) []change {
	var changes []change
	governed := o.governed()
	there := map[string]bool{}
	for i := range o.Users {
		user := &o.Users[i]
		planned, isPlanned := d.Accounts[user.Login]
		there[user.Login] = true
		switch {
		case who.exempt(user):
			if user.Login == who.Operator {
				changes = append(changes, diffOperator(d, user, governed)...)
			}
		case isPlanned:
			changes = append(changes, diffPerson(o, user, planned, governed)...)
		case user.in(governed), who.Unknown == access.UnknownAccountsDeactivate && user.Active:
			changes = append(changes, leave(user, governed)...)
		}
	}
	for _, login := range sorted(d.Accounts, strings.Compare) {
		if !there[login] {
			changes = append(changes, join(o, login, d.Accounts[login])...)
		}
	}
	return changes
}

// diffOperator lets the adapter's own account make parties and employees, where the plan closes these to everybody.
func diffOperator(d *desired, user *userRow, governed map[int]string) []change {
	member := slices.ContainsFunc(user.Groups, func(id int) bool { return governed[id] == operatorGroup })
	if member || !d.Groups[operatorGroup] {
		return nil
	}
	return []change{{Stage: grant, Operation: write, Model: userModel, ID: user.ID,
		Values:     map[string]any{"groups": []any{add([]any{groupRef(operatorGroup)})}},
		Difference: access.Difference{Subject: "crmkeep's own account", Planned: "may make employees"}}}
}

// leave puts an account out. To write its state ends its sessions, also when that does not change it.
func leave(user *userRow, governed map[int]string) []change {
	var changes []change
	difference := access.Difference{Subject: "account " + user.Login, Found: "may log in", Planned: "put out"}
	var roles []int
	for _, id := range user.Groups {
		if name := governed[id]; name != "" && name != markGroup {
			roles = append(roles, id)
		}
	}
	values := map[string]any{}
	if user.Active || user.Sessions > 0 {
		values["active"] = false
	} else {
		difference.Found = "holds roles or keys"
	}
	if roles != nil {
		values["groups"] = []any{take(roles)}
	}
	if len(values) > 0 {
		changes = append(changes, change{Stage: putOut, Operation: write, Model: userModel, ID: user.ID, Values: values, Difference: difference})
	}
	for _, key := range user.liveKeys() {
		changes = append(changes, change{Stage: putOut, Operation: cancel, Model: "res.user.application", ID: key, Difference: difference})
	}
	return changes
}

func diffPerson(o *observed, user *userRow, planned account, governed map[int]string) []change {
	var changes []change
	subject := "account " + user.Login
	surplus, missing := memberships(user, planned, governed)
	narrowed := map[string]any{}
	if surplus != nil {
		narrowed["groups"] = []any{take(surplus)}
	}
	if len(user.Roles) > 0 {
		narrowed["roles"] = []any{[]any{"delete", user.Roles}}
	}
	if len(narrowed) > 0 {
		changes = append(changes, change{Stage: narrow, Operation: write, Model: userModel, ID: user.ID, Values: narrowed,
			Difference: access.Difference{Subject: subject, Found: "other groups", Planned: "those of its roles"}})
	}
	admitted := map[string]any{}
	var found []string
	set := func(differs bool, field, word string, value any) {
		if differs {
			admitted[field] = value
			found = append(found, word)
		}
	}
	set(missing != nil, "groups", "fewer groups", []any{add(missing)})
	set(user.Name != planned.Name, "name", "another name", planned.Name)
	set(planned.Email != "" && user.Email != planned.Email, "email", "another address", planned.Email)
	set(!user.Active, "active", "inactive", true)
	if len(admitted) > 0 {
		changes = append(changes, change{Stage: admit, Operation: write, Model: userModel, ID: user.ID, Values: admitted,
			Difference: access.Difference{Subject: subject, Found: strings.Join(found, ", "), Planned: "as declared"}})
	}
	if lacksCompany(user, planned) && o.Company != 0 {
		changes = append(changes, employment(user.ID, user.Login, planned, len(user.Employees) == 0))
	}
	return changes
}

// memberships gives the groups that an account has and should not, and those that it should have and has not.
func memberships(user *userRow, planned account, governed map[int]string) (surplus []int, missing []any) {
	held := map[string]bool{}
	for _, id := range user.Groups {
		if name := governed[id]; slices.Contains(planned.Groups, name) {
			held[name] = true
		} else {
			surplus = append(surplus, id)
		}
	}
	for _, name := range planned.Groups {
		if !held[name] {
			missing = append(missing, groupRef(name))
		}
	}
	return surplus, missing
}

// join makes an account. Its password is made when it is written.
func join(o *observed, login string, planned account) []change {
	groups := make([]any, 0, len(planned.Groups))
	for _, name := range planned.Groups {
		groups = append(groups, groupRef(name))
	}
	values := map[string]any{"login": login, "name": planned.Name, "groups": []any{add(groups)}}
	if planned.Email != "" {
		values["email"] = planned.Email
	}
	changes := []change{{Stage: makeAccounts, Operation: create, Model: userModel, Values: values,
		Difference: access.Difference{Subject: "account " + login, Planned: "there"}}}
	if o.Company != 0 {
		changes = append(changes, employment(0, login, planned, true))
	}
	return changes
}

// employment gives an account the only company, and an employee if it needs one. With several companies, or none, an administrator decides; until
// then the account sees no record that belongs to a company.
func employment(id int, login string, planned account, none bool) change {
	values := map[string]any{"login": login, "name": planned.Name, "employee": planned.Employee && none}
	return change{Stage: makeAccounts, Operation: employ, Model: userModel, ID: id, Values: values,
		Difference: access.Difference{Subject: "account " + login, Found: "without the company", Planned: "of the company"}}
}

// mergeMoves makes one write of what an account loses and what it gains. It does so only if the rights of groups stay as they are: otherwise an account
// would hold a group that it is to lose while that gains rights.
func mergeMoves(changes []change) []change {
	gains := map[int]int{}
	for i, c := range changes {
		if c.Model != userModel && c.Stage != putOut {
			return changes
		}
		if c.Stage == admit {
			gains[c.ID] = i
		}
	}
	var merged []change
	for _, c := range changes {
		if at, moves := gains[c.ID]; c.Stage == narrow && moves {
			changes[at].lose(c)
		}
	}
	for _, c := range changes {
		if _, moves := gains[c.ID]; c.Stage != narrow || !moves {
			merged = append(merged, c)
		}
	}
	return merged
}

// lose adds to a change what the same account loses by another one.
func (c *change) lose(other change) {
	lost, _ := other.Values["groups"].([]any)
	gained, _ := c.Values["groups"].([]any)
	if groups := slices.Concat(lost, gained); groups != nil {
		c.Values["groups"] = groups
	}
	if roles, ok := other.Values["roles"]; ok {
		c.Values["roles"] = roles
	}
	c.Difference.Found = other.Difference.Found + ", " + c.Difference.Found
}
