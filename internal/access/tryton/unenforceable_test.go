package tryton_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
)

func TestWhatTrytonCannotEnforceIsListedPerRole(t *testing.T) {
	owned := access.Model{Name: "sale.opportunity", OwnerField: "employee"}
	line := access.Model{Name: "sale.opportunity.line", OwnerField: "opportunity.employee"}
	free := access.Model{Name: "party.party"}
	for name, test := range map[string]struct {
		models []access.Model
		role   access.Role
		// Parts of the reasons, in order. Empty: everything can be enforced.
		want []string
	}{
		"all of it":          {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeAll)}}, nil},
		"own records":        {[]access.Model{owned}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn)}}, nil},
		"own without owner":  {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeOwn)}}, []string{"no ownerField"}},
		"team without teams": {[]access.Model{owned}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeTeam)}}, []string{"no teamField"}},
		"export denied": {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Read: access.ScopeAll}}},
			[]string{"may export them"}},
		"export limited": {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Read: access.ScopeAll, Export: access.ScopeAll, ExportMaxRows: 5}}},
			[]string{"may export them"}},
		"import denied": {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Create: access.ScopeAll}}}, []string{"may import them"}},
		"a session":     {[]access.Model{free}, access.Role{Session: access.Session{IdleSeconds: 60}}, []string{"one limit for all accounts"}},
		"a mask": {[]access.Model{owned}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn,
			access.FieldAccess{Field: "amount", Access: access.AccessMasked})}}, []string{"cannot mask"}},
		"a hidden field":    {[]access.Model{owned}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn, hidden("amount"))}}, nil},
		"a part of another": {[]access.Model{owned, line}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn)}}, []string{line.Name + ": "}},
		"both of them": {[]access.Model{owned, line}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn),
			full(line.Name, access.ScopeOwn)}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.role.Name = "a.b"
			found := tryton.Adapter{}.Unenforceable(access.Plan{Models: test.models, Roles: []access.Role{test.role}})
			if assert.Len(t, found, len(test.want)) {
				for i, part := range test.want {
					assert.Contains(t, found[i].Reason, part)
					assert.Equal(t, "a.b", found[i].Role)
					assert.LessOrEqual(t, len(found[i].Reason), 400)
				}
			}
		})
	}
}
