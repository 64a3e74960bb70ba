package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
)

func printJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

func (a *Access) print(out io.Writer) error {
	w := newTable(out)
	if len(a.Roles) == 0 {
		w.line("%s holds no role in %s", a.User, a.Environment)
		a.Enforcement.print(w)
		return w.flush()
	}
	w.line("%s on %s in %s, as %s", a.User, a.Object, a.Environment, strings.Join(a.Roles, ", "))
	w.line("")
	w.line("VERB\tSCOPE\tBY")
	for i := range a.Verbs {
		v := &a.Verbs[i]
		w.line("%s\t%s\t%s", v.Verb, v.scope(), v.reasons())
	}
	if len(a.Fields) > 0 {
		w.line("")
		w.line("FIELD\tACCESS\tBY")
	}
	for i := range a.Fields {
		f := &a.Fields[i]
		w.line("%s\t%s\t%s", f.Field, f.Access, reasons(f.By))
	}
	a.Enforcement.print(w)
	return w.flush()
}

func (h *Holders) print(out io.Writer) error {
	w := newTable(out)
	if len(h.Holders) == 0 {
		w.line("nobody may %s %s in %s", h.Verb, h.Object, h.Environment)
		h.Enforcement.print(w)
		return w.flush()
	}
	w.line("USER\tSCOPE\tBY\tRESTRICTED FIELDS")
	for i := range h.Holders {
		holder := &h.Holders[i]
		w.line("%s\t%s\t%s\t%s", holder.User, holder.scope(), holder.reasons(), restrictions(holder.Fields))
	}
	h.Enforcement.print(w)
	return w.flush()
}

func (v *Verb) scope() string {
	switch {
	case v.Scope == access.ScopeNone:
		return "-"
	case v.MaxRows > 0:
		return fmt.Sprintf("%s, %d rows", v.Scope, v.MaxRows)
	}
	return string(v.Scope)
}

func (v *Verb) reasons() string {
	if v.Scope == access.ScopeNone && len(v.By) > 0 {
		return "granted by " + reasons(v.By) + ", and no export rule of theirs allows it"
	}
	return reasons(v.By)
}

func reasons(all []By) string {
	texts := make([]string, len(all))
	for i, by := range all {
		texts[i] = by.Policy + "." + by.Role
		if by.InheritedFrom != "" {
			texts[i] += " from " + by.InheritedFrom
		}
		if detail := string(by.Scope) + string(by.Access); detail != "" {
			texts[i] += " (" + detail + ")"
		}
		if !by.Until.IsZero() {
			texts[i] += " until " + by.Until.Format(time.RFC3339)
		}
	}
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, ", ")
}

func restrictions(fields []Field) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Field + " " + f.Access
	}
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, ", ")
}

// table remembers the first error, so that lines can be written one after the other.
type table struct {
	*tabwriter.Writer
	err error
}

func newTable(out io.Writer) *table { return &table{Writer: tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)} }

func (t *table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t, format+"\n", args...)
	}
}

func (t *table) flush() error {
	if t.err != nil {
		return t.err
	}
	return t.Flush()
}
