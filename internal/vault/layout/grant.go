package layout

import (
	"slices"
	"strings"
)

// Grant is something that a component may do in Vault. Each is one policy, in bootstrap/policies/<grant>.hcl; a new one needs that
// file and a place in the list of optional grants, and the bootstrap to run again.
type Grant string

// All grants.
const (
	// GrantCertificate signs the component's own certificate. Every component has it.
	GrantCertificate Grant = "certificate"
	// GrantDataKey reads and unwraps the environment's data key.
	GrantDataKey Grant = "data-key"
	// GrantAdmin writes the CRM's first administrator once, and reads it.
	GrantAdmin Grant = "admin"
)

// optional grants come on top of GrantCertificate.
var optional = []Grant{GrantAdmin, GrantDataKey}

// Grants lists all grants, sorted.
func Grants() []Grant {
	all := append([]Grant{GrantCertificate}, optional...)
	slices.Sort(all)
	return all
}

// PolicyList names the policies of GrantCertificate and of the others given, in the order that Vault keeps.
func (s Settings) PolicyList(others ...Grant) CommaList {
	names := []string{s.PolicyName(GrantCertificate)}
	for _, grant := range others {
		names = append(names, s.PolicyName(grant))
	}
	slices.Sort(names)
	return CommaList(strings.Join(slices.Compact(names), ","))
}

// PolicyLists is every combination of policies that a component can have, sorted: what the operator may put into an AuthRole.
func (s Settings) PolicyLists() []CommaList {
	var lists []CommaList
	for chosen := range 1 << len(optional) {
		var grants []Grant
		for i, grant := range optional {
			if chosen&(1<<i) != 0 {
				grants = append(grants, grant)
			}
		}
		lists = append(lists, s.PolicyList(grants...))
	}
	slices.Sort(lists)
	return lists
}
