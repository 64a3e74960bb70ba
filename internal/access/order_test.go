package access_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/access"
)

func TestAWiderScopeIncludesANarrowerOne(t *testing.T) {
	assert.True(t, access.ScopeAll.Includes(access.ScopeTeam))
	assert.True(t, access.ScopeTeam.Includes(access.ScopeOwn))
	assert.True(t, access.ScopeOwn.Includes(access.ScopeNone))
	assert.False(t, access.ScopeNone.Includes(access.ScopeOwn))
	assert.Equal(t, access.ScopeTeam, access.ScopeOwn.Widest(access.ScopeTeam))
	assert.Equal(t, access.ScopeOwn, access.ScopeOwn.Widest("Everything"), "what is no scope widens nothing")
}

func TestOfTwoAccessesTheNarrowerOneIsKept(t *testing.T) {
	order := []access.Access{access.AccessFull, access.AccessReadOnly, access.AccessMasked, access.AccessHidden}
	for i, wide := range order {
		for _, narrow := range order[i:] {
			assert.Equal(t, narrow, wide.Narrowest(narrow))
			assert.Equal(t, narrow, narrow.Narrowest(wide))
		}
	}
}

func TestTheStrictestOfTwoSessionsBoundsEachTime(t *testing.T) {
	short, long := access.Session{IdleSeconds: 60}, access.Session{IdleSeconds: 900, MaxSeconds: 3600}
	assert.Equal(t, access.Session{IdleSeconds: 60, MaxSeconds: 3600}, short.Strictest(long))
	assert.Equal(t, long, long.Strictest(access.Session{}), "no bound is no bound")
}

func TestTheDigestOfAPlanChangesWithIt(t *testing.T) {
	plan := access.Plan{People: []access.Person{{Login: "li.na", Roles: []string{"sales.rep"}}}}
	before := plan.Digest()
	assert.Equal(t, before, plan.Digest())
	plan.People[0].Roles = []string{"sales.lead"}
	assert.NotEqual(t, before, plan.Digest())
}
