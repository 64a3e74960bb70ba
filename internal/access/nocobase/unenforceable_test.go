package nocobase_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
)

func TestWhatNocoBaseCannotEnforceIsListedPerRole(t *testing.T) {
	owned := access.Model{Name: "opportunities", OwnerField: "ownerId"}
	made := access.Model{Name: "notes", OwnerField: "createdBy"}
	free := access.Model{Name: "contacts"}
	reading := func(fields ...access.FieldAccess) access.Grant {
		return access.Grant{Model: free.Name, Read: access.ScopeAll, Export: access.ScopeAll, Fields: fields}
	}
	for name, test := range map[string]struct {
		models []access.Model
		role   access.Role
		// Parts of the reasons, in order. Empty: everything can be enforced.
		want []string
	}{
		"all of it":         {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeAll)}}, nil},
		"own records":       {[]access.Model{made}, access.Role{Grants: []access.Grant{full(made.Name, access.ScopeOwn)}}, []string{"related to"}},
		"own without owner": {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeOwn)}}, []string{"related to", "no ownerField"}},
		"own by a field": {[]access.Model{owned}, access.Role{Grants: []access.Grant{full(owned.Name, access.ScopeOwn)}},
			[]string{"related to", "made for somebody else"}},
		"team":            {[]access.Model{made}, access.Role{Grants: []access.Grant{full(made.Name, access.ScopeTeam)}}, []string{"related to", "no teams"}},
		"a closed model":  {[]access.Model{free, owned}, access.Role{Grants: []access.Grant{reading()}}, []string{"related to"}},
		"nothing at all":  {[]access.Model{free, owned}, access.Role{}, nil},
		"export denied":   {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Read: access.ScopeAll}}}, []string{"list them all"}},
		"export limited":  {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Read: access.ScopeAll, Export: access.ScopeAll, ExportMaxRows: 5}}}, []string{"count rows"}},
		"import":          {[]access.Model{free}, access.Role{Grants: []access.Grant{{Model: free.Name, Import: access.ScopeAll}}}, []string{"it is denied"}},
		"a session":       {[]access.Model{free}, access.Role{Session: access.Session{IdleSeconds: 60}}, []string{"one token policy"}},
		"a read-only one": {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeAll, readOnly("phone"))}}, nil},
		"a hidden field":  {[]access.Model{free}, access.Role{Grants: []access.Grant{reading(hidden("phone"))}}, []string{"can be guessed"}},
		"a masked field":  {[]access.Model{free}, access.Role{Grants: []access.Grant{reading(access.FieldAccess{Field: "phone", Access: access.AccessMasked})}}, []string{"cannot mask", "can be guessed"}},
		"a hidden field of what can be changed": {[]access.Model{free}, access.Role{Grants: []access.Grant{full(free.Name, access.ScopeAll, hidden("phone"))}},
			[]string{"can be guessed", "answer to whoever changes"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.role.Name = "a.b"
			found := nocobase.Adapter{}.Unenforceable(access.Plan{Models: test.models, Roles: []access.Role{test.role}})
			reasons := ""
			for i := range found {
				reasons += found[i].Reason + "\n"
				assert.Equal(t, "a.b", found[i].Role)
				assert.LessOrEqual(t, len(found[i].Reason), 400)
			}
			assert.Len(t, found, len(test.want), reasons)
			for _, part := range test.want {
				assert.Contains(t, reasons, part)
			}
		})
	}
}
