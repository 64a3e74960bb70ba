package compile_test

import (
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
	policies, err := parse([]byte(`
apiVersion: crmkeep.io/v1alpha1
kind: CRMRolePolicy
metadata: {name: sales}
spec:
  environments: [prod]
  roles: [{name: rep, rules: [{objects: [contact], verbs: [read]}, {objects: [opportunity], verbs: [read]}]}]
---
apiVersion: crmkeep.io/v1alpha1
kind: CRMRolePolicy
metadata: {name: privacy}
spec:
  environments: [prod]
  roles: [{name: trainee, rules: [{objects: [contact], verbs: [read]}]}]
`))
	require.NoError(t, err)
	program := compile.Compile(input(t, policies...))
	plan := access.Plan{Roles: []access.Role{
		{Name: "sales.rep"}, {Name: "privacy.trainee"}, {Name: "privacy.trainee+sales.rep", Of: []string{"privacy.trainee", "sales.rep"}},
	}}
	got := program.ByPolicy("prod", &plan, []access.NotEnforced{
		{Role: "privacy.trainee+sales.rep", Model: "party.party", Reason: "cannot mask"},
		{Role: "privacy.trainee+sales.rep", Model: "sale.opportunity", Reason: "cannot mask"},
		{Role: "sales.rep", Model: "party.party", Reason: "cannot mask"},
		{Role: "sales.rep", Reason: strings.Repeat("长", 600)},
	})
	about := func(role, reason string, objects ...string) v1alpha1.NotEnforcedRule {
		return v1alpha1.NotEnforcedRule{Environment: "prod", Role: role, Objects: objects, State: v1alpha1.RuleNotEnforceable, Reason: reason}
	}
	assert.Equal(t, []v1alpha1.NotEnforcedRule{about("trainee", "party.party: cannot mask", "contact")}, got["privacy"], "no rule of a trainee's is about opportunities")
	assert.ElementsMatch(t, []v1alpha1.NotEnforcedRule{
		about("rep", "party.party: cannot mask", "contact"), about("rep", "sale.opportunity: cannot mask", "opportunity"), about("rep", strings.Repeat("长", 500)),
	}, got["sales"], "what is true of a role by itself and with others is said once, and in 500 characters")
}
