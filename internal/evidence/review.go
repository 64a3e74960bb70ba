package evidence

import "encoding/json"

// ReviewStatement lists the accounts of an environment's CRM, and who may have one, at one time.
type ReviewStatement struct {
	Kind        string `json:"kind"` // "ReviewStatement"
	Tenant      string `json:"tenant"`
	Environment string `json:"environment"`
	Class       string `json:"class"`
	// AskedFor is the value of the annotation that asked for the review, and ReviewedAt when the CRM was looked at; RFC 3339.
	AskedFor   string `json:"askedFor"`
	ReviewedAt string `json:"reviewedAt"`
	// Rows, by login. RowCount is how many there are: more than Rows where not all of them fit; those with findings are kept first.
	Rows     []ReviewRow `json:"rows"`
	RowCount int         `json:"rowCount"`
}

// ReviewRow is a person whom a policy names, or an account that none does.
type ReviewRow struct {
	Login string `json:"login"`
	// Name in the CRM's screens.
	Name string `json:"name,omitempty"`
	// Account is Active, Inactive or None.
	Account string `json:"account"`
	// Administrator tells whether the account may change other accounts or rights.
	Administrator bool `json:"administrator,omitempty"`
	// Roles that policies bind the person to.
	Roles []ReviewedRole `json:"roles,omitempty"`
	// LastLogin is in RFC 3339. Empty: unknown, or never if NeverLoggedIn is among Findings.
	LastLogin string `json:"lastLogin,omitempty"`
	// Findings that a reviewer should look at, by the names of the constants.
	Findings []string `json:"findings,omitempty"`
}

// Values of ReviewRow.Account.
const (
	// AccountActive can log in.
	AccountActive = "Active"
	// AccountInactive cannot log in.
	AccountInactive = "Inactive"
	// AccountNone says that there is no account.
	AccountNone = "None"
)

// Findings of a review.
const (
	// FindingNoAccount says that a person holds a role and has no account.
	FindingNoAccount = "NoAccount"
	// FindingNoBinding says that an account can log in without any policy naming it.
	FindingNoBinding = "NoBinding"
	// FindingExpired says that all of a person's bindings have expired, and the account can still log in.
	FindingExpired = "Expired"
	// FindingNeverLoggedIn says that a person who holds a role has never logged in.
	FindingNeverLoggedIn = "NeverLoggedIn"
	// FindingAdministrator says that an account that can log in may change other accounts or rights.
	FindingAdministrator = "Administrator"
)

// ReviewedRole is a role that a person is bound to.
type ReviewedRole struct {
	// Role is "<policy>.<role>".
	Role string `json:"role"`
	// ExpiresAt is in RFC 3339; empty: never. Expired tells whether it had expired when the CRM was looked at.
	ExpiresAt string `json:"expiresAt,omitempty"`
	Expired   bool   `json:"expired,omitempty"`
	// Reason that the policy gives.
	Reason string `json:"reason,omitempty"`
}

// KindReview is the kind of a ReviewStatement.
const KindReview = "ReviewStatement"

// Encode gives the text of a statement that is to be signed.
func (s ReviewStatement) Encode() (string, error) {
	s.Kind = KindReview
	out, err := json.Marshal(s)
	return string(out), err
}
