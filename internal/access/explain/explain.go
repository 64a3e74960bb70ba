// Package explain answers, from role policies, what a person may do in a CRM and who may do something, by which role and from which policy; and
// from their status, how far the CRM enforces it: the subcommands `explain access` and `who-can`.
package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/spelling"
)

// Access of a person to an object.
type Access struct {
	// Environment, as "<namespace>/<name>".
	Environment string `json:"environment"`
	// User is the login.
	User string `json:"user"`
	// Object of the catalogue.
	Object string `json:"object"`
	// Roles that the user holds, as "<policy>.<role>". None: the user has no account, or none of the policies'.
	Roles []string `json:"roles"`
	// Verbs are all there are; those without a scope are denied.
	Verbs []Verb `json:"verbs"`
	// Fields of the object that the catalogue names, or the one that was asked for.
	Fields []Field `json:"fields,omitempty"`
	// Enforcement of the roles.
	Enforcement Enforcement `json:"enforcement"`
}

// Verb that a person may or may not do.
type Verb struct {
	Verb v1alpha1.Verb `json:"verb"`
	// Scope of the records. Empty: denied.
	Scope access.Scope `json:"scope"`
	// MaxRows of one export. Zero: no limit.
	MaxRows int32 `json:"maxRows,omitempty"`
	// By which roles. A verb that is denied although roles grant it is denied by a stricter export rule.
	By []By `json:"by,omitempty"`
}

// Field that a person sees in some way.
type Field struct {
	Field string `json:"field"`
	// Access to it: Full, ReadOnly, Masked, Hidden, or None where no verb is granted on the object.
	Access string `json:"access"`
	// By which roles it is restricted.
	By []By `json:"by,omitempty"`
}

// By is why.
type By struct {
	Policy string `json:"policy"`
	// Role that the person holds.
	Role string `json:"role"`
	// InheritedFrom is the role that declares it, when Role inherits it.
	InheritedFrom string `json:"inheritedFrom,omitempty"`
	// Scope that it grants.
	Scope access.Scope `json:"scope,omitempty"`
	// Access that it leaves.
	Access access.Access `json:"access,omitempty"`
	// Until when the person holds the role. Zero: without end.
	Until time.Time `json:"until,omitzero"`
}

func newBy(b *compile.Basis) By {
	policy, role, _ := strings.Cut(b.Role, ".")
	by := By{Policy: policy, Role: role, Until: b.Until}
	if b.From != b.Role {
		_, by.InheritedFrom, _ = strings.Cut(b.From, ".")
	}
	return by
}

// OfUser explains a person's access to an object. An empty field asks for all.
func OfUser(e *Environment, user, object, field string) (Access, error) {
	a, err := e.declaredFor(user, object, field)
	if err == nil {
		a.Enforcement = e.Enforcement(a.Roles)
	}
	return a, err
}

func (e *Environment) declaredFor(user, object, field string) (Access, error) {
	o, err := e.object(object)
	if err != nil {
		return Access{}, err
	}
	a := Access{Environment: e.Name, User: user, Object: object, Roles: append([]string{}, e.Program.Held(user)...)}
	rights := e.Program.Rights(user)
	for _, verb := range access.Verbs {
		a.Verbs = append(a.Verbs, e.verb(rights, user, o, verb))
	}
	for i := range o.Fields {
		if field == "" || o.Fields[i].Name == field {
			a.Fields = append(a.Fields, e.field(rights, user, o, &o.Fields[i]))
		}
	}
	if field != "" && len(a.Fields) == 0 {
		names := make([]string, len(o.Fields))
		for i := range o.Fields {
			names[i] = o.Fields[i].Name
		}
		return Access{}, fmt.Errorf("--field: %q is no field of %s in the catalogue%s", field, object, suggestion(field, names))
	}
	return a, nil
}

func (e *Environment) object(name string) (*v1alpha1.ClassObject, error) {
	o, ok := e.Program.Object(name)
	if !ok {
		return nil, fmt.Errorf("%q is no object of the class's catalogue%s", name, suggestion(name, e.Program.Objects()))
	}
	return o, nil
}

// verb of an object: its native models are granted together, so the first one speaks for all.
func (e *Environment) verb(rights []access.Grant, user string, o *v1alpha1.ClassObject, verb v1alpha1.Verb) Verb {
	v := Verb{Verb: verb}
	if g := grantOf(rights, o.Native[0]); g != nil {
		v.Scope = *g.Scope(verb)
		if verb == access.VerbExport {
			v.MaxRows = g.ExportMaxRows
		}
	}
	for _, b := range e.Program.Basis(user, o.Native[0]) {
		if scope := *b.Grant.Scope(verb); scope != access.ScopeNone {
			by := newBy(&b)
			by.Scope = scope
			v.By = append(v.By, by)
		}
	}
	return v
}

func (e *Environment) field(rights []access.Grant, user string, o *v1alpha1.ClassObject, f *v1alpha1.ClassField) Field {
	model, native := compile.NativeField(o, f)
	result := Field{Field: f.Name, Access: "None"}
	g := grantOf(rights, model)
	if g == nil {
		return result
	}
	result.Access = "Full"
	if left := accessOf(g, native); left != access.AccessFull {
		result.Access = string(left)
	}
	for _, b := range e.Program.Basis(user, model) {
		if left := accessOf(&b.Grant, native); left != access.AccessFull {
			by := newBy(&b)
			by.Access = left
			result.By = append(result.By, by)
		}
	}
	return result
}

func grantOf(grants []access.Grant, model string) *access.Grant {
	i := slices.IndexFunc(grants, func(g access.Grant) bool { return g.Model == model })
	if i < 0 {
		return nil
	}
	return &grants[i]
}

func accessOf(g *access.Grant, field string) access.Access {
	i := slices.IndexFunc(g.Fields, func(f access.FieldAccess) bool { return f.Field == field })
	if i < 0 {
		return access.AccessFull
	}
	return g.Fields[i].Access
}

func suggestion(name string, known []string) string {
	if nearest := spelling.Nearest(name, known); nearest != "" {
		return fmt.Sprintf("; did you mean %q?", nearest)
	}
	return ""
}

// Holder may do what was asked about.
type Holder struct {
	User string `json:"user"`
	Verb
	// Fields that are not left in full.
	Fields []Field `json:"fields,omitempty"`
}

// Holders of a right.
type Holders struct {
	// Environment, as "<namespace>/<name>".
	Environment string        `json:"environment"`
	Verb        v1alpha1.Verb `json:"verb"`
	Object      string        `json:"object"`
	Holders     []Holder      `json:"holders"`
	// Enforcement of the roles that the holders hold it by.
	Enforcement Enforcement `json:"enforcement"`
}

// WhoCan lists who may do a verb with an object.
func WhoCan(e *Environment, verb v1alpha1.Verb, object string) (Holders, error) {
	if !slices.Contains(access.Verbs, verb) {
		return Holders{}, fmt.Errorf("%q is no verb; use one of read, create, update, delete, export, import", verb)
	}
	if _, err := e.object(object); err != nil {
		return Holders{}, err
	}
	all := Holders{Environment: e.Name, Verb: verb, Object: object, Holders: []Holder{}}
	var roles []string
	for _, login := range e.Program.Logins() {
		a, err := e.declaredFor(login, object, "")
		if err != nil {
			return Holders{}, err
		}
		v := a.Verbs[slices.Index(access.Verbs, verb)]
		if v.Scope == access.ScopeNone {
			continue
		}
		restricted := slices.DeleteFunc(a.Fields, func(f Field) bool { return f.Access == "Full" })
		all.Holders = append(all.Holders, Holder{User: login, Verb: v, Fields: restricted})
		roles = append(roles, a.Roles...)
	}
	all.Enforcement = e.Enforcement(roles)
	return all, nil
}
