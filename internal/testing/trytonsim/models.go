package trytonsim

// Names of models that are treated in a way of their own.
const (
	userModel        = "res.user"
	groupModel       = "res.group"
	applicationModel = "res.user.application"
	ruleModel        = "ir.rule"
)

// relation is a field that leads to records of another model.
type relation struct {
	to string
	// many says that it holds several of them.
	many bool
	// by is the field of those records that leads back, for a field that holds nothing itself.
	by string
}

func one(to string) relation          { return relation{to: to} }
func several(to string) relation      { return relation{to: to, many: true} }
func children(to, by string) relation { return relation{to: to, many: true, by: by} }

// relations of models by field. What is not here holds a plain value.
var relations = map[string]map[string]relation{
	"company.company":       {"party": one("party.party"), "employees": children("company.employee", "company")},
	"company.employee":      {"party": one("party.party"), "company": one("company.company")},
	"ir.action.wizard":      {"groups": several(groupModel)},
	"ir.model":              {"fields": children("ir.model.field", "model")},
	"ir.model.access":       {"model": one("ir.model"), "group": one(groupModel)},
	"ir.model.data":         {},
	"ir.model.field":        {"model": one("ir.model")},
	"ir.model.field.access": {"field": one("ir.model.field"), "group": one(groupModel)},
	ruleModel:               {"rule_group": one("ir.rule.group")},
	"ir.rule.group":         {"model": one("ir.model"), "groups": several(groupModel), "rules": children(ruleModel, "rule_group")},
	"party.party":           {},
	groupModel:              {"parent": one(groupModel)},
	"res.role":              {"groups": several(groupModel)},
	userModel: {
		"groups": several(groupModel), "companies": several("company.company"), "company": one("company.company"),
		"employees": several("company.employee"), "employee": one("company.employee"),
		"roles": children("res.user.role", "user"), "applications": children(applicationModel, "user"),
	},
	applicationModel: {"user": one(userModel)},
	"res.user.role":  {"user": one(userModel), "role": one("res.role")},
}

// defaults of new records.
var defaults = map[string]map[string]any{
	"ir.model.access":       {"perm_read": true, "perm_write": true, "perm_create": true, "perm_delete": true},
	"ir.model.field.access": {"perm_read": true, "perm_write": true, "perm_create": true, "perm_delete": true},
	"ir.rule.group":         {"perm_read": true, "perm_write": true, "perm_create": true, "perm_delete": true, "global_p": true, "default_p": false},
	groupModel:              {"active": true},
	userModel:               {"active": true},
	applicationModel:        {"state": "requested"},
}

// unique fields of models.
var unique = map[string]string{groupModel: "name", userModel: "login"}
