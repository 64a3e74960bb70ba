package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
)

func TestAClassWithoutAnAdapterEnforcesNoRoleAndSaysSo(t *testing.T) {
	policies, err := parse(read(t, "testdata/several-policies/in.yaml"))
	require.NoError(t, err)
	in := input(t, policies...)
	in.Class.Spec.Adapter = ""
	var roles []string
	for _, n := range compile.Compile(in).NotEnforced() {
		assert.Contains(t, n.Reason, "class demo has no adapter")
		roles = append(roles, n.Role)
	}
	assert.Equal(t, []string{"catalogue.editor", "sales.lead", "sales.rep"}, roles)
}

func TestWhatARoleOfSeveralDoesNotEnforceIsToldInThePolicyOfEach(t *testing.T) {
	plan := access.Plan{Roles: []access.Role{
		{Name: "sales.rep"}, {Name: "privacy.trainee"}, {Name: "privacy.trainee+sales.rep", Of: []string{"privacy.trainee", "sales.rep"}},
	}}
	got := compile.ByPolicy("prod", &plan, []access.NotEnforced{
		{Role: "privacy.trainee+sales.rep", Model: "party", Reason: "cannot mask"},
		{Role: "sales.rep", Model: "party", Reason: "cannot mask"},
		{Role: "sales.rep", Reason: strings.Repeat("长", 600)},
	})
	assert.Equal(t, []v1alpha1.NotEnforcedRule{{Environment: "prod", Role: "trainee", Reason: "party: cannot mask"}}, got["privacy"])
	require.Len(t, got["sales"], 2, "what is true of a role by itself and with others is said once")
	assert.Equal(t, "party: cannot mask", got["sales"][0].Reason)
	assert.Equal(t, strings.Repeat("长", 500), got["sales"][1].Reason, "a status has room for 500 characters")
}

func TestAStatusHasRoomForTwoHundredRules(t *testing.T) {
	plan := access.Plan{Roles: []access.Role{{Name: "sales.rep"}}}
	var all []access.NotEnforced
	for i := range 300 {
		all = append(all, access.NotEnforced{Role: "sales.rep", Reason: fmt.Sprint(i)})
	}
	assert.Len(t, compile.ByPolicy("prod", &plan, all)["sales"], 200)
}
