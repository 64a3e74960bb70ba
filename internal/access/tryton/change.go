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
)

type operation string

const (
	create operation = "create"
	write  operation = "write"
	remove operation = "delete"
	// cancel takes an application's key back.
	cancel operation = "cancel"
	// employ gives an account its company, and an employee to own records as.
	employ operation = "employ"
)

// change is one thing to do to one record.
type change struct {
	Stage      stage
	Operation  operation
	Model      string
	ID         int
	Values     map[string]any
	Difference access.Difference
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
