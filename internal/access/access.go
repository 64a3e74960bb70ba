// Package access holds what lies between role policies and a CRM: the native plan that the compiler makes of the policies of an
// environment, and the interface of the adapters that bring a CRM to it.
//
// The plan is the same for every product. It speaks in native names, so an adapter need not know the catalogue, and it is
// additive: the rights of a person are the union of the rights of the person's roles, as most CRMs add them up by themselves. Where a
// denial in one role of a person wins over a grant in another, the compiler has made one role of them.
package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// OperatorLogin is the account that adapters work as in every product. Nobody else may have it.
const OperatorLogin = "crmkeep"

// RoleName is the name in plans of a policy's role. Neither part contains a dot or a plus sign.
func RoleName(policy, role string) string { return policy + "." + role }

// Plan is all that a CRM has to allow, and to whom. What it does not allow is denied. Every list is sorted, so the same policies give the
// same bytes.
type Plan struct {
	// Models are all native models of the catalogue. Each is closed to everybody, but for what roles open.
	Models []Model `json:"models,omitempty"`
	// Roles that somebody may hold.
	Roles []Role `json:"roles,omitempty"`
	// People who hold a role now. Nobody else may log in who did by an earlier plan.
	People []Person `json:"people,omitempty"`
	// Leaving are logins that are to be put out whatever the CRM's own screens have made of them since they were let in. They are not what is
	// declared, so the digest is without them.
	Leaving []string `json:"-"`
	// Drift says what becomes of changes made in the CRM's own screens.
	Drift Drift `json:"drift"`
	// UnknownAccounts says what becomes of accounts that are neither in People nor Exempt.
	UnknownAccounts UnknownAccounts `json:"unknownAccounts"`
	// Exempt are logins that an adapter never touches: crmkeep's own, and that of the CRM's administrator but for what Administrator says.
	Exempt []string `json:"exempt,omitempty"`
	// Administrator is the account that the product came with.
	Administrator Administrator `json:"administrator,omitzero"`
}

// Administrator is the account that the product came with.
type Administrator struct {
	// Login of the account. Empty: adapters leave it as it is.
	Login string `json:"login,omitempty"`
	// State to bring it to. Locked cannot log in, and has neither sessions nor API keys; it is locked after everything else holds.
	State v1alpha1.AdministratorState `json:"state,omitempty"`
}

// Model is a native model, in whichever way the product calls it: model, entity type, collection, object.
type Model struct {
	// Name in the product.
	Name string `json:"name"`
	// OwnerField holds a record's owner. Empty: no grant of the model has ScopeOwn.
	OwnerField string `json:"ownerField,omitempty"`
	// TeamField holds a record's team. Empty: no grant of the model has ScopeTeam.
	TeamField string `json:"teamField,omitempty"`
	// Fields of the model that the catalogue names, without the model's name.
	Fields []string `json:"fields,omitempty"`
}

// Role is a set of rights, such as a product's group or role.
type Role struct {
	// Name is "<policy>.<role>", or that of several roles held together.
	Name string `json:"name"`
	// Of are the roles that a role of several stands for. Empty: it is one declared role.
	Of []string `json:"of,omitempty"`
	// Grants, at most one for a model.
	Grants []Grant `json:"grants,omitempty"`
	// Session bounds how the role's people are logged in. Zero: as the product does.
	Session Session `json:"session,omitzero"`
}

// Grant is what a role may do with a model. A verb without a scope is denied.
type Grant struct {
	// Model is the name of one of the plan's models.
	Model  string `json:"model"`
	Read   Scope  `json:"read,omitempty"`
	Create Scope  `json:"create,omitempty"`
	Update Scope  `json:"update,omitempty"`
	Delete Scope  `json:"delete,omitempty"`
	// Export in bulk.
	Export Scope `json:"export,omitempty"`
	// ExportMaxRows of one export. Zero: no limit, where there is a right to export.
	ExportMaxRows int32 `json:"exportMaxRows,omitempty"`
	// Import in bulk.
	Import Scope `json:"import,omitempty"`
	// Fields that are treated in another way than the rest of the model. They are treated so by every verb.
	Fields []FieldAccess `json:"fields,omitempty"`
}

// Verbs that roles grant.
const (
	VerbRead   v1alpha1.Verb = "read"
	VerbCreate v1alpha1.Verb = "create"
	VerbUpdate v1alpha1.Verb = "update"
	VerbDelete v1alpha1.Verb = "delete"
	VerbExport v1alpha1.Verb = "export"
	VerbImport v1alpha1.Verb = "import"
)

// Verbs are all of them, in the order in which they are shown.
var Verbs = []v1alpha1.Verb{VerbRead, VerbCreate, VerbUpdate, VerbDelete, VerbExport, VerbImport}

// Scope that the verb is granted on, to read or set. Nil: there is no such verb.
func (g *Grant) Scope(verb v1alpha1.Verb) *Scope {
	switch verb {
	case VerbRead:
		return &g.Read
	case VerbCreate:
		return &g.Create
	case VerbUpdate:
		return &g.Update
	case VerbDelete:
		return &g.Delete
	case VerbExport:
		return &g.Export
	case VerbImport:
		return &g.Import
	}
	return nil
}

// FieldAccess is what is left of the access to a field.
type FieldAccess struct {
	// Field is one of the model's.
	Field string `json:"field"`
	// Access that is left.
	Access Access `json:"access"`
}

// Scope of the records that a verb is granted on. Each includes those before it.
type Scope string

// Scopes, from narrow to wide.
const (
	ScopeNone Scope = ""
	ScopeOwn  Scope = "Own"
	ScopeTeam Scope = "Team"
	ScopeAll  Scope = "All"
)

// Access to a field.
type Access string

// Accesses, from wide to narrow. An adapter that cannot mask hides, and lists the rule as not enforced.
const (
	AccessFull     Access = ""
	AccessReadOnly Access = "ReadOnly"
	AccessMasked   Access = "Masked"
	AccessHidden   Access = "Hidden"
)

// Person is an account of the CRM.
type Person struct {
	// Login of the account. No two differ only in case or in letters that look alike.
	Login string `json:"login"`
	// DisplayName in the CRM's screens.
	DisplayName string `json:"displayName"`
	// Email, when one is known.
	Email string `json:"email,omitempty"`
	// Roles, by the names of the plan's roles; at least one.
	Roles []string `json:"roles"`
	// Session bounds how the person is logged in: the strictest of the person's roles.
	Session Session `json:"session,omitzero"`
}

// Session bounds sessions. Zero is no bound.
type Session struct {
	// IdleSeconds after which a session ends.
	IdleSeconds int64 `json:"idleSeconds,omitempty"`
	// MaxSeconds that a session lasts.
	MaxSeconds int64 `json:"maxSeconds,omitempty"`
}

// Drift says what becomes of changes made in the CRM's own screens.
type Drift string

// Ways with drift.
const (
	DriftRevert Drift = "Revert"
	DriftReport Drift = "Report"
)

// UnknownAccounts says what becomes of accounts that no policy names.
type UnknownAccounts string

// Ways with unknown accounts.
const (
	UnknownAccountsReport     UnknownAccounts = "Report"
	UnknownAccountsDeactivate UnknownAccounts = "Deactivate"
)

// Digest of the plan in hexadecimal. While it is the same, every difference in the CRM is drift.
func (p *Plan) Digest() string {
	content, err := json.Marshal(p)
	if err != nil {
		panic(err) // Plain values: cannot happen.
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
