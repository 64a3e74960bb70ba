// Package review lists who can log in to a CRM, by what right, and what of it a reviewer should look at; and makes a signed statement of it.
// It is pure.
package review

import (
	"maps"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

// Rows lists everybody whom the policies name, and every account of the CRM, by login.
func Rows(program *compile.Program, accounts []access.Account, now time.Time) []evidence.ReviewRow {
	byLogin, told := make(map[string]*access.Account, len(accounts)), false
	for i := range accounts {
		byLogin[accounts[i].Login] = &accounts[i]
		told = told || !accounts[i].LastLogin.IsZero()
	}
	bindings := program.Bindings()
	logins := slices.Sorted(maps.Keys(byLogin))
	for login := range bindings {
		if byLogin[login] == nil {
			logins = append(logins, login)
		}
	}
	slices.Sort(logins)
	rows := make([]evidence.ReviewRow, 0, len(logins))
	for _, login := range logins {
		p := person{account: byLogin[login], reserved: program.Reserved(login), loginsTold: told}
		p.row = evidence.ReviewRow{Login: login, Account: evidence.AccountNone}
		p.bind(bindings[login], now)
		p.describe()
		p.find()
		rows = append(rows, p.row)
	}
	return rows
}

// person is what a row is made from.
type person struct {
	row evidence.ReviewRow
	// account is nil where there is none.
	account *access.Account
	// reserved is the account of the CRM's administrator, or crmkeep's.
	reserved bool
	// holds a role that has not expired.
	holds bool
	// loginsTold tells whether the CRM knows when somebody, whoever it is, has last logged in.
	loginsTold bool
}

func (p *person) bind(bindings []compile.Binding, now time.Time) {
	for _, b := range bindings {
		role := evidence.ReviewedRole{Role: b.Role, Reason: b.Reason}
		if !b.ExpiresAt.IsZero() {
			role.ExpiresAt, role.Expired = b.ExpiresAt.Format(time.RFC3339), !b.ExpiresAt.After(now)
		}
		p.holds = p.holds || !role.Expired
		p.row.Roles = append(p.row.Roles, role)
	}
}

func (p *person) describe() {
	if p.account == nil {
		return
	}
	p.row.Name, p.row.Administrator, p.row.Account = p.account.DisplayName, p.account.Administrator, evidence.AccountInactive
	if p.account.Active {
		p.row.Account = evidence.AccountActive
	}
	if !p.account.LastLogin.IsZero() {
		p.row.LastLogin = p.account.LastLogin.UTC().Format(time.RFC3339)
	}
}

func (p *person) find() {
	if p.account == nil && p.holds {
		p.note(evidence.FindingNoAccount)
	}
	if p.row.Account != evidence.AccountActive {
		return
	}
	if !p.holds {
		p.findOfNobodys()
	}
	if p.holds && p.loginsTold && p.row.LastLogin == "" {
		p.note(evidence.FindingNeverLoggedIn)
	}
	if p.row.Administrator && p.row.Login != access.OperatorLogin {
		p.note(evidence.FindingAdministrator)
	}
}

// findOfNobodys is about an account that can log in and holds no role.
func (p *person) findOfNobodys() {
	switch {
	case len(p.row.Roles) > 0:
		p.note(evidence.FindingExpired)
	case !p.reserved:
		p.note(evidence.FindingNoBinding)
	}
}

func (p *person) note(finding string) { p.row.Findings = append(p.row.Findings, finding) }
