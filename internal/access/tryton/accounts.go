package tryton

import (
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// rootID is the account as which Tryton itself works. Nobody can log in to it.
const rootID = 0

// accounts says how those accounts are treated that the plan has no role for.
type accounts struct {
	// Operator is the login of the account that the adapter works as.
	Operator string
	// Exempt logins, which are never touched, but for the administrator's.
	Exempt []string
	// Leaving are logins that are put out whatever groups they have.
	Leaving       []string
	Unknown       access.UnknownAccounts
	Administrator access.Administrator
}

// leaves tells whether an account that the plan does not have is put out: it has a group of crmkeep's, or had one.
func (a accounts) leaves(user *userRow, governed map[int]string) bool {
	return user.in(governed) || slices.Contains(a.Leaving, user.Login)
}

func (a accounts) exempt(user *userRow) bool {
	return user.ID == rootID || user.Login == a.Operator || user.Login == a.Administrator.Login || slices.Contains(a.Exempt, user.Login)
}

// unknownAccounts lists who can log in without being of the plan, or having been.
func unknownAccounts(d *desired, o *observed, who accounts) []string {
	governed := o.governed()
	var logins []string
	for i := range o.Users {
		user := &o.Users[i]
		if _, planned := d.Accounts[user.Login]; user.Active && !planned && !who.exempt(user) && !who.leaves(user, governed) {
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
		case user.ID == rootID:
		case user.Login == who.Operator:
			changes = append(changes, diffOperator(d, user, governed)...)
		case user.Login == who.Administrator.Login:
			changes = append(changes, diffAdministrator(user, who.Administrator.State)...)
		case who.exempt(user):
		case isPlanned:
			changes = append(changes, diffPerson(o, user, planned, governed)...)
		case who.leaves(user, governed), who.Unknown == access.UnknownAccountsDeactivate && user.Active:
			changes = append(changes, leave(user, governed)...)
		}
	}
	for _, login := range sorted(d.Accounts, strings.Compare) {
		if !there[login] {
			changes = append(changes, join(o, login, d.Accounts[login]))
		}
	}
	return changes
}

// diffOperator lets the adapter's own account make employees, where somebody needs one.
func diffOperator(d *desired, user *userRow, governed map[int]string) []change {
	member := slices.ContainsFunc(user.Groups, func(id int) bool { return governed[id] == operatorGroup })
	if member || !d.Groups[operatorGroup] {
		return nil
	}
	return []change{{Stage: grant, Operation: write, Model: userModel, ID: user.ID,
		Values:     map[string]any{"groups": []any{add([]any{groupRef(operatorGroup)})}},
		Difference: access.Difference{Subject: "crmkeep's own account", Planned: "may make employees"}}}
}

// diffLeavers puts out who was let in by an earlier plan, and is not one of this one's people. The administrator comes last, as ever.
func diffLeavers(d *desired, o *observed, who accounts) []change {
	var changes, last []change
	governed := o.governed()
	for i := range o.Users {
		user := &o.Users[i]
		_, planned := d.Accounts[user.Login]
		switch {
		case user.ID != rootID && user.Login == who.Administrator.Login && user.Login != who.Operator:
			last = diffAdministrator(user, who.Administrator.State)
		case !planned && !who.exempt(user) && who.leaves(user, governed):
			changes = append(changes, leave(user, governed)...)
		}
	}
	if changes == nil && last == nil {
		return nil
	}
	// Without the rule, sessions of those who are put out would go on.
	return slices.Concat(diffSessions(o, who), changes, last)
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
	return append(changes, cancelKeys(user, putOut, difference)...)
}

// cancelKeys takes back the keys of programs that work as the account.
func cancelKeys(user *userRow, at stage, difference access.Difference) []change {
	var changes []change
	for _, key := range user.liveKeys() {
		changes = append(changes, change{Stage: at, Operation: cancel, Model: "res.user.application", ID: key, Difference: difference})
	}
	return changes
}

// diffAdministrator brings the account that Tryton came with to its state.
func diffAdministrator(user *userRow, state v1alpha1.AdministratorState) []change {
	subject := administratorSubject(user.Login)
	bring := func(at stage, active bool, difference access.Difference) change {
		return change{Stage: at, Operation: write, Model: userModel, ID: user.ID, Values: map[string]any{"active": active}, Difference: difference}
	}
	switch {
	case state == v1alpha1.AdministratorOpen && !user.Active:
		return []change{bring(admit, true, access.Difference{Subject: subject, Found: "locked", Planned: "open"})}
	case state == v1alpha1.AdministratorLocked && (user.Active || user.Sessions > 0 || user.liveKeys() != nil):
		difference := access.Difference{Subject: subject, Found: "open", Planned: "locked"}
		return append(cancelKeys(user, lock, difference), bring(lock, false, difference))
	}
	return nil
}

func administratorSubject(login string) string { return "administrator " + login }

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
	admission := change{Stage: admit, Operation: write, Model: userModel, ID: user.ID, Values: admitted}
	if !user.Active {
		// Whoever knew the password before may not be the one who is let in again.
		admission.Invite = user.Login
	}
	if lacksCompany(user, planned) && o.Company != 0 {
		admission.Place = placeIn(o.Company, planned, len(user.Employees) == 0)
		found = append(found, "without the company")
	}
	if found != nil {
		admission.Difference = access.Difference{Subject: subject, Found: strings.Join(found, ", "), Planned: "as declared"}
		changes = append(changes, admission)
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

// join makes an account, with its place in the company at once.
func join(o *observed, login string, planned account) change {
	groups := make([]any, 0, len(planned.Groups))
	for _, name := range planned.Groups {
		groups = append(groups, groupRef(name))
	}
	values := map[string]any{"login": login, "name": planned.Name, "groups": []any{add(groups)}}
	if planned.Email != "" {
		values["email"] = planned.Email
	}
	made := change{Stage: makeAccounts, Operation: create, Model: userModel, Values: values, Invite: login,
		Difference: access.Difference{Subject: "account " + login, Planned: "there"}}
	if o.Company != 0 {
		made.Place = placeIn(o.Company, planned, true)
	}
	return made
}

// placeIn gives an account the only company, and an employee if it needs one and has none. With several companies, or none, an administrator
// decides; until then the account sees no record that belongs to a company.
func placeIn(company int, planned account, none bool) place {
	if planned.Employee && none {
		return place{Company: company, Employee: planned.Name}
	}
	return place{Company: company}
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
