package tryton

import "github.com/crmkeep/crmkeep/internal/access"

// stage orders changes: what closes comes first and what opens last, so that a failure between two of them leaves nothing open that the plan closes.
type stage int

const (
	prepare stage = iota
	putOut
	makeGroups
	deny
	narrow
	grant
	makeAccounts
	admit
	// lock comes when everything else holds.
	lock
)

type operation string

const (
	create operation = "create"
	write  operation = "write"
	remove operation = "delete"
	// cancel takes an application's key back.
	cancel operation = "cancel"
)

// change is one thing to do to one record.
type change struct {
	Stage      stage
	Operation  operation
	Model      string
	ID         int
	Values     map[string]any
	Difference access.Difference
	// Invite is the login of an account that gets a first password with the change.
	Invite string
	// Place says what an account gets with the change to work in its company.
	Place place
}

// place of an account in the company.
type place struct {
	// Company is the ID; zero leaves the account as it is.
	Company int
	// Employee is the name of a new employee to own records as; empty for none.
	Employee string
}

// References to records that may not be there yet when a change is decided.
type (
	groupRef string
	modelRef string
	fieldRef struct{ Model, Field string }
	// dataRef is a record that a module of Tryton's brings along.
	dataRef struct{ Module, Name string }
)

// Commands on fields that hold records.
func add(ids any) []any    { return []any{"add", ids} }
func take(ids []int) []any { return []any{"remove", ids} }

func (r rights) values() map[string]any {
	return map[string]any{"perm_read": r.Read, "perm_write": r.Write, "perm_create": r.Create, "perm_delete": r.Delete}
}
