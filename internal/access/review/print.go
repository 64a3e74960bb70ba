package review

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/terminal"
)

// columns of the table and of CSV. A cell of several roles lists what belongs to each in the same order.
var columns = []string{"login", "name", "account", "roles", "expires", "last login", "findings", "reasons"}

func cells(r *evidence.ReviewRow) []string {
	var roles, expires, reasons []string
	for _, role := range r.Roles {
		end := role.ExpiresAt
		switch {
		case role.Expired:
			end += " (expired)"
		case end == "":
			end = "never"
		}
		roles, expires, reasons = append(roles, role.Role), append(expires, end), append(reasons, role.Reason)
	}
	account := r.Account
	if r.Administrator {
		account += ", administrator"
	}
	return []string{
		r.Login, r.Name, account, strings.Join(roles, "; "), strings.Join(expires, "; "), lastLogin(r),
		strings.Join(r.Findings, "; "), strings.Join(reasons, "; "),
	}
}

func lastLogin(r *evidence.ReviewRow) string {
	switch {
	case r.LastLogin != "" || r.Account == evidence.AccountNone:
		return r.LastLogin
	case slices.Contains(r.Findings, evidence.FindingNeverLoggedIn):
		return "never"
	}
	return "unknown"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// Table prints a statement for a person.
func Table(out io.Writer, s *evidence.ReviewStatement) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	line := func(texts []string) {
		for i := range texts {
			texts[i] = orDash(terminal.Line(texts[i]))
		}
		_, _ = fmt.Fprintln(w, strings.Join(texts, "\t"))
	}
	header := slices.Clone(columns)
	for i := range header {
		header[i] = strings.ToUpper(header[i])
	}
	line(header)
	findings := 0
	for i := range s.Rows {
		line(cells(&s.Rows[i]))
		findings += min(1, len(s.Rows[i].Findings))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d people and accounts of %s in %s at %s, %d of them with findings%s\n",
		s.RowCount, terminal.Line(s.Environment), terminal.Line(s.Tenant), terminal.Line(s.ReviewedAt), findings, leftOut(s))
	return err
}

func leftOut(s *evidence.ReviewStatement) string {
	if left := s.RowCount - len(s.Rows); left > 0 {
		return fmt.Sprintf("; %d without room in the statement are left out", left)
	}
	return ""
}

// CSV prints a statement for a spreadsheet. No cell is a formula to it.
func CSV(out io.Writer, s *evidence.ReviewStatement) error {
	w := csv.NewWriter(out)
	if err := w.Write(columns); err != nil {
		return err
	}
	for i := range s.Rows {
		row := cells(&s.Rows[i])
		for j := range row {
			row[j] = noFormula(row[j])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// formula is what spreadsheets take the beginning of a formula for, in both widths: at the start of a cell, and behind whatever separates cells
// where a comma does not.
var formula = regexp.MustCompile(`(^|[;,|])( *[=+@＝＋－＠-])`)

// noFormula puts an apostrophe before what a spreadsheet would compute.
func noFormula(cell string) string { return formula.ReplaceAllString(terminal.Line(cell), "$1'$2") }
