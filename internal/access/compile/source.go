package compile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// source is what one role declares by itself, without what it inherits.
type source struct {
	name   string
	models map[string]*modelRights
	// export is how many rows of an export the role allows. Nil: it says nothing.
	export *int32
	limits access.Session
	// lacking are the rules that the catalogue has no means for.
	lacking []lack
}

// lack is what the catalogue has no means for, of the rules about an object.
type lack struct{ object, reason string }

// modelRights are the rights to a model.
type modelRights struct {
	grant  access.Grant
	fields map[string]access.Access
}

func newModelRights(model string) *modelRights {
	return &modelRights{grant: access.Grant{Model: model}, fields: make(map[string]access.Access)}
}

// role is a declared role with all that it inherits.
type role struct {
	policy, name string
	sources      []*source
}

// addRoles compiles the roles of a policy, each once, and then resolves what they inherit.
func (p *Program) addRoles(policy *v1alpha1.CRMRolePolicy) {
	own := make(map[string]*source)
	for i := range policy.Spec.Roles {
		r := &policy.Spec.Roles[i]
		own[r.Name] = p.newSource(policy, r)
	}
	declared := access.Roles(policy)
	for name := range declared {
		r := &role{policy: policy.Name, name: name}
		for _, ancestor := range declared.WithInherited(name) {
			r.sources = append(r.sources, own[ancestor])
		}
		p.roles[access.RoleName(policy.Name, name)] = r
	}
}

func (p *Program) newSource(policy *v1alpha1.CRMRolePolicy, r *v1alpha1.Role) *source {
	s := &source{name: access.RoleName(policy.Name, r.Name), models: make(map[string]*modelRights)}
	if r.Export != nil {
		rows := exportRows(r.Export)
		s.export = &rows
	}
	if r.Session != nil {
		s.limits = access.Session{IdleSeconds: value(r.Session.IdleSeconds), MaxSeconds: value(r.Session.MaxSeconds)}
	}
	for i := range r.Rules {
		rule := &r.Rules[i]
		for _, name := range rule.Objects {
			if o, ok := p.objects[name]; ok {
				s.add(o, rule)
			}
		}
		s.lack(rule.Objects, p.unmatched(rule)...)
	}
	return s
}

// add what a rule says of an object.
func (s *source) add(o *v1alpha1.ClassObject, rule *v1alpha1.RoleRule) {
	scope, problem := enforceable(o, access.Scope(cmp.Or(rule.Scope, string(access.ScopeOwn))))
	for _, model := range o.Native {
		m := s.models[model]
		if m == nil {
			m = newModelRights(model)
			s.models[model] = m
		}
		for _, verb := range rule.Verbs {
			if granted := m.grant.Scope(verb); granted != nil {
				*granted = granted.Widest(scope)
			}
		}
		for i := range rule.Fields {
			m.restrict(o, &rule.Fields[i])
		}
	}
	if problem != "" {
		s.lack([]string{o.Name}, problem)
	}
}

// speaksOf tells whether a rule names the object.
func (s *source) speaksOf(o *v1alpha1.ClassObject) bool {
	return slices.ContainsFunc(o.Native, func(model string) bool { return s.models[model] != nil })
}

// restrict the fields that a rule selects.
func (m *modelRights) restrict(o *v1alpha1.ClassObject, rule *v1alpha1.FieldRule) {
	for i := range o.Fields {
		field, ok := fieldOf(o, m.grant.Model, o.Fields[i].Native)
		if ok && selects(rule, &o.Fields[i]) {
			m.fields[field] = m.fields[field].Narrowest(known(rule.Access))
		}
	}
}

// known is an access, or the narrowest one for a word that is none.
func known(word string) access.Access {
	switch a := access.Access(word); a {
	case access.AccessReadOnly, access.AccessMasked:
		return a
	}
	return access.AccessHidden
}

// enforceable gives the widest scope within the asked one that the catalogue has a field for, and says so when it is another.
func enforceable(o *v1alpha1.ClassObject, asked access.Scope) (scope access.Scope, problem string) {
	switch {
	case asked == access.ScopeAll, asked == access.ScopeTeam && o.TeamField != "", asked == access.ScopeOwn && o.OwnerField != "":
		return asked, ""
	case asked == access.ScopeTeam && o.OwnerField != "":
		return access.ScopeOwn, fmt.Sprintf("records of %s have no team in this class, so scope Team grants the person's own only; use scope Own or All", o.Name)
	case asked == access.ScopeTeam:
		return access.ScopeNone, fmt.Sprintf("records of %s have neither team nor owner in this class, so scope Team grants nothing; use scope All", o.Name)
	case asked == access.ScopeOwn:
		return access.ScopeNone, fmt.Sprintf("records of %s have no owner in this class, so scope Own grants nothing; use scope All", o.Name)
	}
	return access.ScopeNone, fmt.Sprintf("%q is no scope, so it grants nothing; use Own, Team or All", asked)
}

// unmatched lists the sensitivities of a rule that no field of its objects has: the catalogue does not tell what to protect.
func (p *Program) unmatched(rule *v1alpha1.RoleRule) []string {
	var lacking []string
	for i := range rule.Fields {
		f := &rule.Fields[i]
		matches := slices.ContainsFunc(rule.Objects, func(name string) bool {
			o, ok := p.objects[name]
			return ok && slices.ContainsFunc(o.Fields, func(field v1alpha1.ClassField) bool { return selects(f, &field) })
		})
		if !matches && f.Name == "" {
			lacking = append(lacking, fmt.Sprintf(
				"the class has no field of sensitivity %s in %s, so none is %s; name fields, or have the platform complete the class",
				f.Sensitivity, list(slices.Sorted(slices.Values(rule.Objects))), f.Access))
		}
	}
	return lacking
}

// lack notes what of objects is not enforced, once.
func (s *source) lack(objects []string, reasons ...string) {
	for _, reason := range reasons {
		for _, object := range objects {
			if l := (lack{object, reason}); !slices.Contains(s.lacking, l) {
				s.lacking = append(s.lacking, l)
			}
		}
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
