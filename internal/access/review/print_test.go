package review_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access/review"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

func printed() evidence.ReviewStatement {
	return statement(
		evidence.ReviewRow{Login: "admin", Account: evidence.AccountInactive, Administrator: true},
		evidence.ReviewRow{
			Login: "li.na@acme.example", Name: "Li Na", Account: evidence.AccountActive, LastLogin: "2026-11-21T00:00:00Z",
			Roles: []evidence.ReviewedRole{{Role: "sales.lead"}, {Role: "sales.rep", ExpiresAt: "2026-11-23T00:00:00Z", Reason: "stands in for Wei"}},
		},
		evidence.ReviewRow{
			Login: "new", Account: evidence.AccountActive, Roles: []evidence.ReviewedRole{{Role: "sales.rep"}}, Findings: []string{evidence.FindingNeverLoggedIn},
		},
		evidence.ReviewRow{
			Login: "wei", Account: evidence.AccountNone, Roles: []evidence.ReviewedRole{{Role: "sales.rep", ExpiresAt: "2026-11-21T00:00:00Z", Expired: true}},
		},
		evidence.ReviewRow{Login: "\x1b[2J=1\n+2", Name: "=cmd|' /C calc'!A0", Account: evidence.AccountActive, Findings: []string{evidence.FindingNoBinding}},
	)
}

func TestAStatementIsPrintedAsReviewed(t *testing.T) {
	s := printed()
	var table, sheet bytes.Buffer
	require.NoError(t, review.Table(&table, &s))
	golden.Compare(t, "testdata/review.txt", table.Bytes())
	require.NoError(t, review.CSV(&sheet, &s))
	golden.Compare(t, "testdata/review.csv", sheet.Bytes())
}

func TestWhatDidNotFitIsSaid(t *testing.T) {
	s := printed()
	s.RowCount = 12000
	var out bytes.Buffer
	require.NoError(t, review.Table(&out, &s))
	assert.Contains(t, out.String(), "12000 people and accounts of prod in acme")
	assert.Contains(t, out.String(), "11995 without room in the statement are left out")
}

func TestNoCellIsAFormulaToASpreadsheet(t *testing.T) {
	for _, hostile := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r\n=1", "\u00a0=1", "\ufeff=1", "＝1", "＠x", "a;=1", "a; +1", "a|@x", "a,-1", ";;=1", "a\n=1",
	} {
		s := statement(evidence.ReviewRow{
			Login: hostile, Name: hostile, Account: hostile, LastLogin: hostile, Findings: []string{hostile},
			Roles: []evidence.ReviewedRole{{Role: hostile, ExpiresAt: hostile, Reason: hostile}, {Role: hostile, Reason: hostile}},
		})
		var out bytes.Buffer
		require.NoError(t, review.CSV(&out, &s))
		rows, err := csv.NewReader(&out).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2, "%q makes no row of its own", hostile)
		for _, cell := range rows[1] {
			for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";,|", r) }) {
				start := strings.TrimSpace(part)
				assert.False(t, strings.IndexAny(start, "=+-@＝＋－＠\t\r\n") == 0, "%q of %q", start, hostile)
			}
		}
	}
}

func TestAnAddressWithAPlusSignStaysAsItIs(t *testing.T) {
	s := statement(evidence.ReviewRow{Login: "li+crm@acme-trading.example", Account: evidence.AccountActive})
	var out bytes.Buffer
	require.NoError(t, review.CSV(&out, &s))
	assert.Contains(t, out.String(), "\nli+crm@acme-trading.example,")
}
