package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Conflict is where one role restricts what another one grants to the same people. What restricts has won.
type Conflict struct {
	// Roles that the people hold.
	Roles []string `json:"roles"`
	// People who hold exactly these.
	People []string `json:"people"`
	// Model that the roles disagree about.
	Model string `json:"model"`
	// Field that they disagree about. Empty: the model's export.
	Field string `json:"field,omitempty"`
	// Access that is left to the field.
	Access access.Access `json:"access,omitempty"`
	// By which roles it is restricted.
	By []string `json:"by"`
	// Against which roles, that grant more.
	Against []string `json:"against"`
}

func (c *Conflict) String() string {
	what := fmt.Sprintf("%s.%s is %s", c.Model, c.Field, c.Access)
	if c.Field == "" {
		what = "export of " + c.Model + " is restricted"
	}
	return fmt.Sprintf("%s by %s, although %s grants more; it concerns %s", what, list(c.By), list(c.Against), list(c.People))
}

// Conflicts among the roles that people hold together, and those that these inherit.
func (p *Program) Conflicts() []Conflict {
	people := make(map[string][]string)
	for _, login := range sortedKeys(p.people) {
		key := strings.Join(sortedKeys(p.people[login]), " ")
		people[key] = append(people[key], login)
	}
	var all []Conflict
	for _, key := range sortedKeys(people) {
		roles := strings.Fields(key)
		for _, c := range disagreements(p.sourcesOf(roles)) {
			c.Roles, c.People = roles, people[key]
			all = append(all, c)
		}
	}
	return all
}

func disagreements(sources []*source) []Conflict {
	var all []Conflict
	for _, g := range combine(sources) {
		for _, f := range g.Fields {
			c := Conflict{Model: g.Model, Field: f.Field, Access: f.Access}
			all = append(all, c.sides(sources, func(m *modelRights) bool { return m.fields[f.Field] == f.Access })...)
		}
	}
	return append(all, exportDisagreements(sources)...)
}

// sides sorts the sources that grant the model into two, and gives the conflict if there is one.
func (c Conflict) sides(sources []*source, restricts func(*modelRights) bool) []Conflict {
	for _, s := range sources {
		switch m := s.models[c.Model]; {
		case m == nil:
		case restricts(m):
			c.By = append(c.By, s.name)
		default:
			c.Against = append(c.Against, s.name)
		}
	}
	if len(c.By) == 0 || len(c.Against) == 0 {
		return nil
	}
	return []Conflict{c.sorted()}
}

// exportDisagreements are where a source could export a model by itself, and a stricter one forbids or limits it.
func exportDisagreements(sources []*source) []Conflict {
	fewest := fewestRows(sources)
	var by []string
	exported := make(map[string][]string)
	for _, s := range sources {
		if s.export == nil {
			continue
		}
		if *s.export == fewest {
			by = append(by, s.name)
			continue
		}
		for model, m := range s.models {
			if m.grant.Export != access.ScopeNone {
				exported[model] = append(exported[model], s.name)
			}
		}
	}
	var all []Conflict
	for _, model := range sortedKeys(exported) {
		all = append(all, Conflict{Model: model, By: by, Against: exported[model]}.sorted())
	}
	return all
}

func (c Conflict) sorted() Conflict {
	c.By, c.Against = slices.Sorted(slices.Values(c.By)), slices.Sorted(slices.Values(c.Against))
	return c
}

// list joins names, and says how many are left out.
func list(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}
