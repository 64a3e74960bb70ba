package validate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/spelling"
)

// ruleProblems checks that rules speak of what the class's catalogue has.
func ruleProblems(p *v1alpha1.CRMRolePolicy, class *v1alpha1.CRMClass) []error {
	c := catalogue{class: class.Name, objects: make(map[string]*v1alpha1.ClassObject)}
	for i := range class.Spec.Objects {
		c.objects[class.Spec.Objects[i].Name] = &class.Spec.Objects[i]
	}
	for i := range p.Spec.Roles {
		r := &p.Spec.Roles[i]
		field := fmt.Sprintf("spec.roles[%d]", i)
		for j := range r.Rules {
			c.checkRule(fmt.Sprintf("%s.rules[%d]", field, j), &r.Rules[j])
		}
		if e := r.Export; e != nil && e.Mode == "Limited" && e.MaxRows == nil {
			c.problem(field+".export.maxRows", "needed with mode Limited; set it, or use mode Deny or Allow")
		}
	}
	return c.problems
}

// catalogue collects what is wrong with rules.
type catalogue struct {
	class    string
	objects  map[string]*v1alpha1.ClassObject
	problems []error
}

func (c *catalogue) problem(field, format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

func (c *catalogue) checkRule(field string, rule *v1alpha1.RoleRule) {
	for _, name := range rule.Objects {
		switch {
		case c.objects[name] != nil:
		case len(c.objects) == 0:
			c.problem(field+".objects", "class %q has no catalogue, so no role can name its objects; have the platform add spec.objects to it", c.class)
		default:
			c.problem(field+".objects", "%s is not in the catalogue of class %q%s", quote(name), c.class, suggestion(name, sortedNames(c.objects)))
		}
	}
	for _, verb := range rule.Verbs {
		if !slices.Contains(access.Verbs, verb) {
			c.problem(field+".verbs", "%s is no verb; use one of %s", quote(string(verb)), joined(access.Verbs))
		}
	}
	if !slices.Contains([]string{"", "Own", "Team", "All"}, rule.Scope) {
		c.problem(field+".scope", "%s is no scope; use Own, Team or All", quote(rule.Scope))
	}
	for i := range rule.Fields {
		c.checkField(fmt.Sprintf("%s.fields[%d]", field, i), rule, &rule.Fields[i])
	}
}

// checkField wants the field in one of the rule's objects at least.
func (c *catalogue) checkField(field string, rule *v1alpha1.RoleRule, f *v1alpha1.FieldRule) {
	if !slices.Contains([]string{"Hidden", "ReadOnly", "Masked"}, f.Access) {
		c.problem(field+".access", "%s is no access; use Hidden, ReadOnly or Masked", quote(f.Access))
	}
	switch {
	case (f.Name == "") == (f.Sensitivity == ""):
		c.problem(field, "must have exactly one of name and sensitivity")
		return
	case f.Name == "":
		if known := []v1alpha1.Sensitivity{"Public", "Internal", "Personal", "Sensitive"}; !slices.Contains(known, f.Sensitivity) {
			c.problem(field+".sensitivity", "%s is no sensitivity; use one of %s", quote(string(f.Sensitivity)), joined(known))
		}
		return
	}
	known := make(map[string]bool)
	for _, name := range rule.Objects {
		if o := c.objects[name]; o != nil {
			for i := range o.Fields {
				known[o.Fields[i].Name] = true
			}
		}
	}
	if !known[f.Name] {
		c.problem(field+".name", "%s is no field of %s in class %q%s", quote(f.Name), list(rule.Objects), c.class, suggestion(f.Name, sortedNames(known)))
	}
}

// suggestion offers the nearest known name.
func suggestion(name string, known []string) string {
	if nearest := spelling.Nearest(name, known); nearest != "" {
		return fmt.Sprintf("; did you mean %q?", nearest)
	}
	return ""
}

// quote shows what somebody wrote: on one line, and not more than a person needs to find it.
func quote(text string) string {
	const longest = 60
	if characters := []rune(text); len(characters) > longest {
		text = string(characters[:longest]) + "…"
	}
	return strconv.QuoteToGraphic(text)
}

// list shows some names.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(shorten(quoted, 5, "others"), ", ")
}

// shorten a list to the first n, and say how many are left out.
func shorten(all []string, n int, what string) []string {
	if len(all) <= n {
		return all
	}
	return append(slices.Clone(all[:n]), fmt.Sprintf("and %d more %s", len(all)-n, what))
}

func joined[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, word := range all {
		words[i] = string(word)
	}
	return strings.Join(words, ", ")
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
