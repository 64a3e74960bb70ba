package compile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
)

// catalogue finds the native models and fields of objects.
type catalogue map[string]*v1alpha1.ClassObject

func newCatalogue(class *v1alpha1.CRMClass) catalogue {
	c := make(catalogue, len(class.Spec.Objects))
	for i := range class.Spec.Objects {
		o := &class.Spec.Objects[i]
		c[o.Name] = o
	}
	return c
}

// models lists every native model once.
func (c catalogue) models() []access.Model {
	all := make(map[string]access.Model)
	for _, o := range c {
		for _, name := range o.Native {
			m := access.Model{Name: name, OwnerField: o.OwnerField, TeamField: o.TeamField}
			for i := range o.Fields {
				if field, ok := fieldOf(o, name, o.Fields[i].Native); ok {
					m.Fields = append(m.Fields, field)
				}
			}
			slices.Sort(m.Fields)
			m.Fields = slices.Compact(m.Fields)
			all[name] = m
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b access.Model) int { return cmp.Compare(a.Name, b.Name) })
}

// ofModels gives the object of each native model.
func (c catalogue) ofModels() map[string]string {
	objects := make(map[string]string)
	for name, o := range c {
		for _, model := range o.Native {
			objects[model] = name
		}
	}
	return objects
}

// fieldOf gives a native field without its model's name. A native name that begins with the name of one of the object's models is of that
// model alone; any other is a field of each of them.
func fieldOf(o *v1alpha1.ClassObject, model, native string) (field string, ok bool) {
	owner := ""
	for _, m := range o.Native {
		if strings.HasPrefix(native, m+".") && len(m) > len(owner) {
			owner = m
		}
	}
	switch owner {
	case "":
		return native, true
	case model:
		return strings.TrimPrefix(native, model+"."), true
	}
	return "", false
}

// selects tells whether a rule speaks of a field.
func selects(rule *v1alpha1.FieldRule, field *v1alpha1.ClassField) bool {
	if rule.Name != "" {
		return rule.Name == field.Name
	}
	return rule.Sensitivity == field.Sensitivity
}
