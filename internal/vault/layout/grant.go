package layout

import (
	"slices"
	"strings"
)

// Grant is something that a component may do in Vault. Each is one policy, in bootstrap/policies/<grant>.hcl; a new one needs that
// file and a place in the list of combinations, and the bootstrap to run again.
type Grant string

// All grants.
const (
	// GrantCertificate signs the component's own certificate. Every component has it.
	GrantCertificate Grant = "certificate"
	// GrantDataKey reads and unwraps the environment's data key.
	GrantDataKey Grant = "data-key"
	// GrantAdmin writes the CRM's first administrator and crmkeep's own account once, and reads them.
	GrantAdmin Grant = "admin"
	// GrantBackup makes and unwraps the passwords of the environment's repositories and signs manifests.
	GrantBackup Grant = "backup"
	// GrantRestore unwraps with the key that the component's ServiceAccount is named after.
	GrantRestore Grant = "restore"
)

// combinations are the grants that a component can have on top of GrantCertificate. No other combination is ever planned, so the
// operator may assign no other.
var combinations = [][]Grant{{}, {GrantDataKey}, {GrantAdmin}, {GrantDataKey, GrantAdmin}, {GrantBackup}, {GrantRestore}}

// Grants lists all grants, sorted.
func Grants() []Grant {
	all := append(slices.Concat(combinations...), GrantCertificate)
	slices.Sort(all)
	return slices.Compact(all)
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

// PolicyLists is every list of policies that a component can have, sorted: what the operator may put into an AuthRole.
func (s Settings) PolicyLists() []CommaList {
	var lists []CommaList
	for _, grants := range combinations {
		lists = append(lists, s.PolicyList(grants...))
	}
	slices.Sort(lists)
	return lists
}
