package access

import (
	"context"
	"net/http"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// Adapter brings the CRMs of one product to plans, through their own API.
type Adapter interface {
	// Unenforceable lists what of a plan the product cannot enforce. It is pure. Bring enforces something stricter in its place where it can,
	// and never something wider without it being listed.
	Unenforceable(Plan) []NotEnforced
	// Unknown lists names of the models, and "<model>.<field>" of their fields, that the CRM does not have, such as those of a module that is not
	// installed. The names of OwnerField and TeamField are among what is looked up.
	Unknown(context.Context, Connection, []Model) ([]string, error)
	// Bring compares the CRM with the plan and, with ModeApply, brings it there: denials first and grants last, so that a failure on the
	// way leaves nothing open that the plan closes, and a second call finishes the work. The report is of what was done before an error, too.
	// Exempt accounts, and those that the product itself needs, are never touched.
	Bring(context.Context, Connection, Plan, Mode) (Report, error)
	// Accounts lists the accounts of people, those that cannot log in too, sorted by login. The product's inner accounts are not among them.
	Accounts(context.Context, Connection) ([]Account, error)
}

// Connection is the way to a CRM's API. Errors and logs of adapters never hold a password, nor a URL with one.
type Connection struct {
	// HTTP reaches the application's agent, and knows its certificate.
	HTTP *http.Client
	// URL of the Web component, without a slash at the end.
	URL string
	// Database of the product, for those that have several behind one address.
	Database string
	// Login and Password of the account that adapters work as.
	Login    string
	Password secret.String
	// Invite makes the first passwords of accounts that are about to be made or let in again, and hands them over before it gives them to the
	// adapter, so that no account is ever made whose password nobody has. They are random, of at least 100 bits and 16 characters, so a
	// quick hash protects them. Only Bring with ModeApply calls it.
	Invite func(ctx context.Context, logins []string) (map[string]secret.String, error)
}

// Mode says how far Bring goes.
type Mode string

// Modes of Bring.
const (
	// ModeReport reads and reports, and writes nothing.
	ModeReport Mode = "Report"
	// ModePutOut puts out who is not one of the plan's people and was let in by an earlier plan, brings the administrator to its state, and writes
	// nothing else.
	ModePutOut Mode = "PutOut"
	// ModeApply writes what differs.
	ModeApply Mode = "Apply"
)

// NotEnforced is a rule that is not enforced as it is declared.
type NotEnforced struct {
	// Role is the name of one of the plan's roles.
	Role string `json:"role"`
	// Model that the rule is about. Empty: all.
	Model string `json:"model,omitempty"`
	// Object of the catalogue that the rule is about, in place of Model. Only the compiler sets it.
	Object string `json:"object,omitempty"`
	// Reason why not, what holds in its place, and what to do. At most 400 characters.
	Reason string `json:"reason"`
}

// Report of what Bring found and did.
type Report struct {
	// Differences between the CRM and the plan that were found. None: the CRM is as planned.
	Differences []Difference `json:"differences,omitempty"`
	// Applied are those of Differences that are gone. With ModeReport: none.
	Applied []Difference `json:"applied,omitempty"`
	// UnknownAccounts are logins of active accounts that are neither the plan's people nor exempt.
	UnknownAccounts []string `json:"unknownAccounts,omitempty"`
	// Invited are logins of accounts that were made or let in again, with a password of Connection.Invite.
	Invited []string `json:"invited,omitempty"`
	// Administrator is what was done to the CRM's own administrator; empty for nothing.
	Administrator v1alpha1.AdministratorState `json:"administrator,omitempty"`
	// Left are the people who were put out.
	Left []Leaver `json:"left,omitempty"`
	// Calls made to the CRM's API.
	Calls int `json:"calls"`
}

// Difference between a CRM and its plan. It holds no values of records and no secret.
type Difference struct {
	// Subject that differs, such as "role sales.rep", "account li.na@acme.example" or "model party.party".
	Subject string `json:"subject"`
	// Found in the CRM. Empty: nothing.
	Found string `json:"found,omitempty"`
	// Planned in its place. Empty: nothing.
	Planned string `json:"planned,omitempty"`
}

// Account of a person in the CRM.
type Account struct {
	Login       string `json:"login"`
	DisplayName string `json:"displayName"`
	// Active tells whether the person can log in.
	Active bool `json:"active"`
	// Administrator tells whether the account may change other accounts or rights.
	Administrator bool `json:"administrator,omitempty"`
	// LastLogin is zero where the product does not know.
	LastLogin time.Time `json:"lastLogin,omitzero"`
}

// Leaver is a person who was put out.
type Leaver struct {
	Login string `json:"login"`
	// At is when the account, its sessions and its API keys were closed, all of them.
	At time.Time `json:"at"`
}
