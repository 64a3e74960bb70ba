package review_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/review"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

var (
	tomorrow  = now.Add(24 * time.Hour)
	yesterday = now.Add(-24 * time.Hour)
)

func TestARowSaysAllThatAReviewerAsksOfAPerson(t *testing.T) {
	p := program(
		bound("rep", tomorrow, "stands in for Wei", "li.na@acme.example"),
		bound("lead", time.Time{}, "", "li.na@acme.example"),
	)
	rows := review.Rows(p, []access.Account{{Login: "li.na@acme.example", DisplayName: "Li Na", Active: true, LastLogin: yesterday}}, now)
	assert.Equal(t, []evidence.ReviewRow{{
		Login: "li.na@acme.example", Name: "Li Na", Account: evidence.AccountActive, LastLogin: "2026-11-21T00:00:00Z",
		Roles: []evidence.ReviewedRole{
			{Role: "sales.lead"}, {Role: "sales.rep", ExpiresAt: "2026-11-23T00:00:00Z", Reason: "stands in for Wei"},
		},
	}}, rows)
}

func TestEachFindingIsFoundAndNothingElseIs(t *testing.T) {
	logged := func(login string) access.Account {
		return access.Account{Login: login, Active: true, LastLogin: yesterday}
	}
	for sentence, c := range map[string]struct {
		account *access.Account
		until   *time.Time
		want    []string
	}{
		"somebody with a role and an account": {account: &access.Account{Active: true, LastLogin: yesterday}, until: &tomorrow},
		"a role and no account":               {until: &tomorrow, want: []string{evidence.FindingNoAccount}},
		"an expired role and no account":      {until: &yesterday},
		"an account and no role":              {account: &access.Account{Active: true, LastLogin: yesterday}, want: []string{evidence.FindingNoBinding}},
		"a closed account and no role":        {account: &access.Account{}},
		"an expired role and an account that is open": {
			account: &access.Account{Active: true, LastLogin: yesterday}, until: &yesterday, want: []string{evidence.FindingExpired},
		},
		"an expired role and a closed account": {account: &access.Account{LastLogin: yesterday}, until: &yesterday},
		"a role that ends now":                 {account: &access.Account{Active: true, LastLogin: yesterday}, until: &now, want: []string{evidence.FindingExpired}},
		"a role and no login ever":             {account: &access.Account{Active: true}, until: &tomorrow, want: []string{evidence.FindingNeverLoggedIn}},
		"a role and rights over others": {
			account: &access.Account{Active: true, LastLogin: yesterday, Administrator: true}, until: &tomorrow, want: []string{evidence.FindingAdministrator},
		},
		"no role, and rights over others": {
			account: &access.Account{Active: true, LastLogin: yesterday, Administrator: true}, want: []string{evidence.FindingNoBinding, evidence.FindingAdministrator},
		},
		"a closed account that had rights over others": {account: &access.Account{Administrator: true}},
	} {
		t.Run(sentence, func(t *testing.T) {
			accounts, p := []access.Account{logged("other")}, program()
			if c.until != nil {
				p = program(bound("rep", *c.until, "", "wei"))
			}
			if c.account != nil {
				c.account.Login = "wei"
				accounts = append(accounts, *c.account)
			}
			rows := review.Rows(p, accounts, now)
			last := rows[len(rows)-1]
			assert.Equal(t, "wei", last.Login)
			assert.Equal(t, c.want, last.Findings)
		})
	}
}

func TestTheCRMsOwnAccountsAreNoStrangers(t *testing.T) {
	rows := review.Rows(program(), []access.Account{
		{Login: "admin", Active: true, Administrator: true}, {Login: access.OperatorLogin, Active: true, Administrator: true},
	}, now)
	assert.Equal(t, []string{evidence.FindingAdministrator}, rows[0].Findings, "the CRM's administrator is open")
	assert.Empty(t, rows[1].Findings, "crmkeep works as its own account")

	rows = review.Rows(program(), []access.Account{{Login: "admin", Administrator: true}}, now)
	assert.Empty(t, rows[0].Findings, "the CRM's administrator is locked")
}

func TestWhereTheCRMTellsOfNobodysLoginNobodyIsSaidNeverToHaveLoggedIn(t *testing.T) {
	rows := review.Rows(program(bound("rep", tomorrow, "", "wei")), []access.Account{{Login: "wei", Active: true}}, now)
	assert.Empty(t, rows[0].Findings)
}

func TestPeopleWithoutAccountsStandAmongTheAccountsByLogin(t *testing.T) {
	rows := review.Rows(program(bound("rep", tomorrow, "", "b", "d", "b")), []access.Account{{Login: "c"}, {Login: "a"}, {Login: "d"}}, now)
	var logins []string
	for _, r := range rows {
		logins = append(logins, r.Login+" "+r.Account)
	}
	assert.Equal(t, []string{"a Inactive", "b None", "c Inactive", "d Inactive"}, logins)
	assert.Len(t, rows[1].Roles, 1, "who is named twice is bound once")
}
