package judge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/judge"
	"github.com/crmkeep/crmkeep/internal/facts"
)

// verdict on p in prod, where peers are declared too.
func verdict(t *testing.T, p *v1alpha1.CRMRolePolicy, in facts.PolicyEnvironment, peers ...*v1alpha1.CRMRolePolicy) judge.Verdict {
	t.Helper()
	verdicts, _ := judge.Policy(p, &facts.RolePolicy{Environments: []facts.PolicyEnvironment{in}, Policies: append(peers, p)}, adapters, now)
	require.Len(t, verdicts, 1)
	return verdicts[0]
}

func TestWhatIsNotEnforcedOfRolesTogetherIsToldInThePolicyOfEach(t *testing.T) {
	both := prod(said(func(a *v1alpha1.AccessStatus) {
		a.Policies = append(a.Policies, v1alpha1.AccessPolicyStatus{Name: "privacy", Generation: 3, State: v1alpha1.AccessPending})
	}))
	refused := prod(said(func(a *v1alpha1.AccessStatus) {
		a.Policies = append(a.Policies, v1alpha1.AccessPolicyStatus{Name: "privacy", Generation: 3, State: v1alpha1.AccessRefused})
	}))
	for sentence, c := range map[string]struct {
		in      facts.PolicyEnvironment
		privacy func(*v1alpha1.CRMRolePolicy)
		told    bool
	}{
		"of roles that one person holds together": {in: both, privacy: masked, told: true},
		"not of roles that no person holds together": {in: both, privacy: func(p *v1alpha1.CRMRolePolicy) {
			masked(p)
			p.Spec.Bindings[0].Subjects[0].Name = "wei"
		}},
		"not of roles that a person held together once": {in: both, privacy: func(p *v1alpha1.CRMRolePolicy) {
			masked(p)
			p.Spec.Bindings[0].ExpiresAt = &metav1.Time{Time: now.Add(-time.Hour)}
		}},
		"not with a policy that the environment refuses":      {in: refused, privacy: masked},
		"not with a policy that the environment has not seen": {in: prod(), privacy: masked},
		"not with a policy that all of is enforced by itself": {in: both, privacy: func(*v1alpha1.CRMRolePolicy) {}},
		"not with one that was edited since it was looked at": {in: both, privacy: func(p *v1alpha1.CRMRolePolicy) { masked(p); p.Generation = 4 }},
	} {
		got := verdict(t, policy("sales"), c.in, policy("privacy", c.privacy))
		require.NoError(t, got.Err, sentence)
		if c.told {
			assert.Equal(t, []v1alpha1.NotEnforcedRule{hidden}, got.NotEnforced, sentence)
		} else {
			assert.Empty(t, got.NotEnforced, sentence)
		}
	}
}

func TestARuleIsMarkedByTheObjectsOfWhatIsNotEnforced(t *testing.T) {
	p := policy("sales", masked, func(p *v1alpha1.CRMRolePolicy) {
		deals := v1alpha1.RoleRule{Objects: []string{"deal"}, Verbs: []v1alpha1.Verb{access.VerbRead}, Scope: "All"}
		p.Spec.Roles = append(p.Spec.Roles,
			v1alpha1.Role{Name: "lead", Inherits: []string{"rep"}, Rules: []v1alpha1.RoleRule{deals}}, v1alpha1.Role{Name: "closer", Rules: []v1alpha1.RoleRule{deals}})
	})
	withDeals := func(in *facts.PolicyEnvironment) {
		in.Class.Spec.Objects = append(in.Class.Spec.Objects, v1alpha1.ClassObject{Name: "deal", Native: []string{"deal"}})
	}
	got := verdict(t, p, prod(withDeals))
	assert.Equal(t, map[string][]bool{"rep": {true}, "lead": {false, true}}, got.Lesser)

	got = verdict(t, p, prod(withDeals, func(in *facts.PolicyEnvironment) { in.Class.Spec.Adapter, in.Class.Spec.Files = "", nil }))
	assert.Equal(t, map[string][]bool{"rep": {true}, "lead": {true, true}, "closer": {true}}, got.Lesser, "without an adapter it is the whole role")
}

func TestEveryRoleIsMarkedAlthoughAStatusHasRoomForTwoHundredEntries(t *testing.T) {
	p := policy("sales", func(p *v1alpha1.CRMRolePolicy) {
		p.Spec.Roles[0].Rules[0].Objects = nil
		for i := range 30 {
			p.Spec.Roles[0].Rules[0].Objects = append(p.Spec.Roles[0].Rules[0].Objects, fmt.Sprintf("object-%d", i))
		}
		p.Spec.Roles[0].Rules[0].Scope = "Own" // of objects that nobody owns
		for i := range 9 {
			r := *p.Spec.Roles[0].DeepCopy()
			r.Name = fmt.Sprintf("rep-%d", i)
			p.Spec.Roles = append(p.Spec.Roles, r)
		}
	})
	got := verdict(t, p, prod(func(in *facts.PolicyEnvironment) {
		for i := range 30 {
			name := fmt.Sprintf("object-%d", i)
			in.Class.Spec.Objects = append(in.Class.Spec.Objects, v1alpha1.ClassObject{Name: name, Native: []string{name}})
		}
	}))
	require.NoError(t, got.Err)
	assert.Len(t, got.NotEnforced, judge.MostNotEnforced)
	assert.Len(t, got.Lesser, 10)
}
