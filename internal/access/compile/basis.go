package compile

import (
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// Basis is what one role says of a model to a person, before roles are combined.
type Basis struct {
	// Role that the person holds, and when that ends. Zero: never.
	Role  string
	Until time.Time
	// From is the role that declares it: Role, or one that it inherits.
	From string
	// Grant as declared; of exports, it leaves open how many rows.
	Grant access.Grant
}

// Basis lists what the roles of a person say of a native model, by role.
func (p *Program) Basis(login, model string) []Basis {
	var all []Basis
	held := p.people[login]
	for _, name := range sortedKeys(held) {
		for _, s := range p.roles[name].sources {
			if m := s.models[model]; m != nil {
				all = append(all, Basis{Role: name, Until: held[name], From: s.name, Grant: m.finish(allRows)})
			}
		}
	}
	return all
}

// Rights of a person: all that the person's roles come to together. Who holds no role has none.
func (p *Program) Rights(login string) []access.Grant {
	return combine(p.sourcesOf(sortedKeys(p.people[login])))
}

// Held are the roles that a person holds, sorted.
func (p *Program) Held(login string) []string { return sortedKeys(p.people[login]) }

// Logins of all who hold a role, sorted.
func (p *Program) Logins() []string { return sortedKeys(p.people) }

// Object of the catalogue by its name, and whether there is one.
func (p *Program) Object(name string) (*v1alpha1.ClassObject, bool) {
	o, ok := p.objects[name]
	return o, ok
}

// Objects are the names of the catalogue, sorted.
func (p *Program) Objects() []string { return sortedKeys(p.objects) }

// NativeField gives the model of the object that has the field, and the field's name without it. A field of several is given of the first.
func NativeField(o *v1alpha1.ClassObject, field *v1alpha1.ClassField) (model, name string) {
	at := slices.IndexFunc(o.Native, func(model string) bool {
		_, ok := fieldOf(o, model, field.Native)
		return ok
	})
	name, _ = fieldOf(o, o.Native[at], field.Native)
	return o.Native[at], name
}
