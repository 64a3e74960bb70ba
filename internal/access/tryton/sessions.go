package tryton

import (
	"encoding/json"

	"github.com/crmkeep/crmkeep/internal/access"
)

// diffSessions lets the adapter's account end the sessions of others. Tryton ends the sessions of an account when it is written to, but a rule of
// its own lets everybody see their own sessions only, so those of the account would go on for hours. Nothing can read sessions through the
// API, with the rule or without it.
func diffSessions(o *observed, who accounts) []change {
	var operator int
	for i := range o.Users {
		if o.Users[i].Login == who.Operator {
			operator = o.Users[i].ID
		}
	}
	planned := sessionsOfAll(operator)
	var changes []change
	for _, found := range o.Rules {
		if found.Model.Model != sessionModel || !found.Global || found.has(planned) {
			continue
		}
		changes = append(changes, change{Stage: prepare, Operation: create, Model: "ir.rule", Values: map[string]any{"rule_group": found.ID, "domain": planned},
			Difference: access.Difference{Subject: "rule " + found.Name + " of " + sessionModel, Planned: "crmkeep's own account may end sessions"}})
	}
	return changes
}

func (r *ruleRow) has(domain string) bool {
	for _, rule := range r.Rules {
		if sameJSON(rule.Domain, domain) {
			return true
		}
	}
	return false
}

// sessionsOfAll gives the rule's test: all sessions for one account, and none for everybody else.
func sessionsOfAll(account int) string {
	user := map[string]any{"__class__": "Eval", "v": "user", "d": map[string]any{}}
	id := map[string]any{"__class__": "Get", "v": user, "k": "id", "d": -1}
	content, err := json.Marshal([]any{map[string]any{
		"__class__": "If",
		"c":         map[string]any{"__class__": "Equal", "s1": id, "s2": account},
		"t":         []any{"id", ">", 0},
		"e":         []any{"id", "=", -1},
	}})
	if err != nil {
		panic(err) // Plain values: cannot happen.
	}
	return string(content)
}
