package tryton

import "strings"

// parents are the fields through which Tryton lends a model the access of another one: whoever may do something with the parent may do it with
// the child, whatever the child's own rows say, and the parent's record rules hold for it.
var parents = map[string]string{
	"account.general_ledger.line": "account.general_ledger.account",
	"product.identifier":          "product.product",
	"product.cost_price":          "product.product",
	"product.list_price":          "product.template",
	"product.product":             "product.template",
	"sale.line":                   "sale.sale",
	"sale.opportunity.line":       "sale.opportunity",
	"account.invoice.line":        "account.invoice",
	"account.move.line":           "account.move",
	"stock.inventory.line":        "stock.inventory",
}

// lends says whether a model has the access of another one, by itself or through others.
func lends(ancestor, model string) bool {
	for parent := parents[model]; parent != ""; parent = parents[parent] {
		if parent == ancestor {
			return true
		}
	}
	return false
}

// sources are fields that Tryton computes without regard to the rights of who asks, and what it computes them from: a field
// as "model.field", or a whole model.
var sources = map[string][]string{
	"party.party.full_name": {"party.party.name"},
	"party.party.rec_name":  {"party.party.name"},
	"party.party.phone":     {"party.party.contact_mechanisms", "party.contact_mechanism.value"},
	"party.party.mobile":    {"party.party.contact_mechanisms", "party.contact_mechanism.value"},
	"party.party.fax":       {"party.party.contact_mechanisms", "party.contact_mechanism.value"},
	"party.party.email":     {"party.party.contact_mechanisms", "party.contact_mechanism.value"},
	"party.party.website":   {"party.party.contact_mechanisms", "party.contact_mechanism.value"},

	"party.party.receivable":       {"account.move.line"},
	"party.party.receivable_today": {"account.move.line"},
	"party.party.payable":          {"account.move.line"},
	"party.party.payable_today":    {"account.move.line"},

	"party.contact_mechanism.value_compact": {"party.contact_mechanism.value"},
	"party.contact_mechanism.email":         {"party.contact_mechanism.value"},
	"party.contact_mechanism.website":       {"party.contact_mechanism.value"},
	"party.contact_mechanism.skype":         {"party.contact_mechanism.value"},
	"party.contact_mechanism.sip":           {"party.contact_mechanism.value"},
	"party.contact_mechanism.other_value":   {"party.contact_mechanism.value"},
	"party.contact_mechanism.url":           {"party.contact_mechanism.value"},
	"party.contact_mechanism.rec_name":      {"party.contact_mechanism.value"},

	"party.address.full_address": {"party.address.street", "party.address.postal_code", "party.address.city"},
	"party.address.rec_name":     {"party.address.street", "party.address.postal_code", "party.address.city"},
	"party.address.party_name":   {"party.party.name"},

	"party.identifier.rec_name": {"party.identifier.code"},

	"ir.attachment.data_size": {"ir.attachment.data"},
	"ir.note.message_wrapped": {"ir.note.message"},
	"ir.note.rec_name":        {"ir.note.message"},
}

// employed says whether a field that holds a record's owner names an employee, as Tryton's business models do. The fields that Tryton
// itself keeps name the account.
func employed(ownerField string) bool {
	last := ownerField[strings.LastIndexByte(ownerField, '.')+1:]
	return last != "create_uid" && last != "write_uid" && last != "user"
}

// foundByName are fields that parties are found by, besides their names, when a name is searched for.
var foundByName = []string{"party.contact_mechanism.value", "party.identifier.code"}

// printed are models with fields that Tryton prints in reports of another model, or of their own, whatever the rights to the fields are.
var printed = map[string]string{
	"party.party":          "party.party",
	"party.address":        "party.party",
	"sale.sale":            "sale.sale",
	"sale.line":            "sale.sale",
	"account.invoice":      "account.invoice",
	"account.invoice.line": "account.invoice",
}

const (
	partyModel    = "party.party"
	employeeModel = "company.employee"
	sessionModel  = "ir.session"
	userModel     = "res.user"
)
