package controllers_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

func policyIsEnforcedAndSaysSo(t *testing.T, in *installation) {
	k := in.keep(t, "regulated")
	p := k.policy(t, "sales", li, bo)
	a := k.roles(t, "True Succeeded")

	assert.Equal(t, []v1alpha1.AccessPolicyStatus{{Name: "sales", Generation: p.Generation, State: v1alpha1.AccessEnforced}}, a.Policies)
	assert.EqualValues(t, 2, a.People)
	assert.NotNil(t, a.EnforcedAt)
	assert.Equal(t, v1alpha1.AdministratorLocked, a.Administrator)
	assert.False(t, k.canLogIn(trytonsim.Admin), "the administrator is locked out")
	assert.True(t, k.logsIn(t, li).Open())
	assert.Equal(t, k.env.Namespace+"/prod", k.invitation(t, bo)["environment"])
	k.told(t, v1alpha1.ReasonInvited, "crmkeep invite")
	k.told(t, v1alpha1.ReasonGlassBroken, "can no longer log in")

	version := k.env.ResourceVersion
	k.passes(t)
	k.passes(t)
	require.NoError(t, k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env))
	assert.Equal(t, version, k.env.ResourceVersion, "a pass that finds nothing new writes nothing")

	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) {
		p.Spec.People = []v1alpha1.PolicyPerson{{Name: li, DisplayName: "李娜", Email: "li@mail.acme.example"}}
	})
	k.until(t, "the account has its new name", func() error { return mustBe(k.Account(li).Name == "李娜", "%+v", k.Account(li)) })
	assert.Equal(t, "li@mail.acme.example", k.Account(li).Email)
	k.roles(t, "True Succeeded")
	assert.True(t, k.canLogIn(li), "with the password of before")
}

func leaverIsOutAndStatusSaysWhen(t *testing.T, in *installation) {
	k := in.keep(t, "fluctuating")
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	open := k.logsIn(t, li)

	began := time.Now()
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
	l := k.leaver(t, li)
	assert.WithinDuration(t, began, l.AskedAt.Time, 30*time.Second)
	assert.LessOrEqual(t, l.DoneAt.Sub(l.AskedAt.Time), 30*time.Second)
	assert.False(t, open.Open(), "a session that was open is not any more")
	assert.False(t, k.canLogIn(li))
	assert.True(t, k.canLogIn(bo))
	assert.Nil(t, k.invitation(t, li))
	k.told(t, v1alpha1.ReasonLeaverOut, li+" can no longer log in")
	k.roles(t, "True Succeeded")

	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo, li)} })
	k.until(t, "who comes back is let in", func() error { return mustBe(k.canLogIn(li), "not yet") })
	k.roles(t, "True Succeeded")
	assert.True(t, k.logsIn(t, li).Open(), "with a new password")
}

// The first accounts of a thousand people take a slow CRM a while, and nobody who leaves meanwhile waits for it.
func leaverDoesNotWaitForThoseWhoCome(t *testing.T, in *installation) {
	k := in.keep(t, "hiring")
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	var many []string
	var come []v1alpha1.RoleBinding
	for i := range 1500 {
		many = append(many, fmt.Sprintf("person%04d@acme.example", i))
	}
	for some := range slices.Chunk(many, 500) {
		come = append(come, binding("rep", some...))
	}
	k.Fail(trytonsim.Slow(time.Second))
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = append(come, binding("rep", bo, li)) })
	k.until(t, "the first have come", func() error { return mustBe(k.canLogIn(many[0]), "not yet") })
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = append(come, binding("rep", bo)) })
	k.until(t, "who leaves is out", func() error { return mustBe(!k.canLogIn(li), "not yet") })
	assert.False(t, k.canLogIn(many[len(many)-1]), "the last have not come yet")
	k.Fail(trytonsim.None())
	l := k.leaver(t, li)
	assert.LessOrEqual(t, l.DoneAt.Sub(l.AskedAt.Time), 30*time.Second)
	k.roles(t, "True Succeeded")
	assert.True(t, k.canLogIn(many[len(many)-1]))
}

func expiredBindingLeavesNothing(t *testing.T, in *installation) {
	k := in.keep(t, "temporary")
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	ends := metav1.NewTime(time.Now().Add(3 * time.Second).Truncate(time.Second))
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) {
		p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo), binding("rep", li)}
		p.Spec.Bindings[1].ExpiresAt = &ends
	})
	l := k.leaver(t, li)
	assert.True(t, ends.Equal(&l.AskedAt), "asked at %s, when the binding ended, and not %s", ends, l.AskedAt)
	assert.False(t, k.canLogIn(li))
	assert.True(t, k.canLogIn(bo))
}

func refusedPolicyPutsLeaversOut(t *testing.T, in *installation) {
	k := in.keep(t, "mistaken")
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	groups := k.Account(bo).Groups

	wrong := rolePolicy(k.env, "wrong", "new@acme.example")
	wrong.Spec.Roles[0].Rules[0].Objects = []string{"contcat"}
	k.create(t, wrong)
	k.roles(t, "False PolicyRefused")
	assert.Contains(t, message(k.env, v1alpha1.ConditionRolesEnforced), `did you mean "contact"?`)
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) {
		p.Spec.Roles[0].Rules[0].Verbs = []v1alpha1.Verb{access.VerbRead, access.VerbExport, access.VerbDelete}
		p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)}
	})
	k.leaver(t, li)
	assert.False(t, k.canLogIn(li))
	assert.Equal(t, groups, k.Account(bo).Groups)
	assert.Nil(t, k.Account("new@acme.example"), "nobody is let in by a policy that is refused")
	assert.NotNil(t, k.env.Status.Access.PlanDigest)

	require.NoError(t, k.Delete(t.Context(), wrong))
	k.roles(t, "True Succeeded")
}

func driftIsRevertedOrReported(t *testing.T, in *installation) {
	k := in.keep(t, "drifting")
	p := k.policy(t, "sales", li)
	k.roles(t, "True Succeeded")
	promote := func(e *trytonsim.Editor) {
		e.Write("res.user", e.ID("res.user", "login", li), map[string]any{"groups": []any{[]any{"add", []int{e.ID("res.group", "name", "Administration")}}}})
	}
	k.Edit(t, promote)
	k.told(t, v1alpha1.ReasonDriftReverted, li)
	assert.NotContains(t, k.Account(li).Groups, "Administration")

	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Drift = string(access.DriftReport) })
	k.until(t, "the edit is enforced", func() error {
		a := k.roles(t, "True Succeeded")
		return mustBe(a.Policies[0].Generation == p.Generation, "not yet")
	})
	k.Edit(t, promote)
	a := k.roles(t, "False Drifted")
	assert.Contains(t, a.Drift[0].Subject, li)
	assert.Contains(t, k.Account(li).Groups, "Administration", "it is reported, and left alone")
	k.told(t, v1alpha1.ReasonDrifted, li)
}

func crmThatFailsIsTriedAgain(t *testing.T, in *installation) {
	k := in.keep(t, "brittle")
	k.Fail(trytonsim.Status(500, 3))
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "False CRMUnreachable")
	assert.NotContains(t, k.env.Status.Access.Failure.Message, trytonsim.OperatorPassword)
	k.Fail(trytonsim.None())
	k.roles(t, "True Succeeded")

	k.Fail(trytonsim.Down())
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
	k.until(t, "who is to leave is known before the CRM answers", func() error {
		a := k.roles(t, "False CRMUnreachable")
		return mustBe(len(a.Leavers) == 1 && a.Leavers[0].Name == li && a.Leavers[0].DoneAt == nil, "leavers %v", a.Leavers)
	})
	k.Fail(trytonsim.Slow(100 * time.Millisecond))
	back := time.Now()
	assert.WithinDuration(t, back, k.leaver(t, li).DoneAt.Time, 30*time.Second)
}

func deathsOfTheCRMLeaveNobodyWithoutPassword(t *testing.T, in *installation) {
	k := in.keep(t, "fragile")
	p := k.policy(t, "sales", bo)
	k.roles(t, "True Succeeded")
	for writes := range 6 {
		login := string(rune('a'+writes)) + ".person@acme.example"
		for _, dies := range []trytonsim.Fault{trytonsim.Killed(writes), trytonsim.Lost(writes)} {
			k.Fail(dies)
			edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo, login)} })
			k.passes(t)
			k.Fail(trytonsim.None())
			k.until(t, login+" is let in", func() error { return mustBe(k.canLogIn(login), "not yet") })
			k.roles(t, "True Succeeded")
			assert.True(t, k.logsIn(t, login).Open())
			edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
			k.until(t, login+" is put out", func() error { return mustBe(!k.canLogIn(login), "not yet") })
			k.roles(t, "True Succeeded")
		}
	}
}

func crmThatQuotesThePasswordIsNotQuoted(t *testing.T, in *installation) {
	k := in.keep(t, "talkative")
	k.answer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"id": 1, "error": []any{"UserError", []any{"you sent " + string(sent), ""}}}))
	}))
	k.policy(t, "sales", li)
	a := k.roles(t, "False CRMRefused")
	assert.Contains(t, a.Failure.Message, "you sent")
	assert.Contains(t, a.Failure.Message, "[redacted]")
	assert.NotContains(t, a.Failure.Message, trytonsim.OperatorPassword)
	k.answer(t, k.Handler)
	k.roles(t, "True Succeeded")
}

func policiesThatContradictAreNamed(t *testing.T, in *installation) {
	k := in.keep(t, "divided")
	apart := rolePolicy(k.env, "apart", li)
	apart.Spec.Roles = append(apart.Spec.Roles, v1alpha1.Role{Name: "payer"})
	apart.Spec.Separation = []v1alpha1.SeparationOfDuties{{Name: "four-eyes", Roles: []string{"rep", "payer"}}}
	k.create(t, apart)
	k.roles(t, "True Succeeded")

	second := rolePolicy(k.env, "second", li)
	second.Spec.Roles[0].Name, second.Spec.Bindings[0].Role = "payer", "payer"
	k.create(t, second)
	a := k.roles(t, "False PolicyRefused")
	for _, p := range a.Policies {
		assert.Equal(t, v1alpha1.AccessRefused, p.State, p.Name)
		assert.Contains(t, p.Message, "four-eyes")
	}
	assert.True(t, k.canLogIn(li), "what was enforced stays")
}

func crmkeepsAccountIsNobodys(t *testing.T, in *installation) {
	k := in.keep(t, "prying")
	k.policy(t, "sales", "CRMkeep")
	a := k.roles(t, "False PolicyRefused")
	assert.Contains(t, a.Policies[0].Message, `"CRMkeep" is, or looks like`)
	assert.True(t, k.canLogIn(access.OperatorLogin))
}

func brokenGlassIsSeenAndMended(t *testing.T, in *installation) {
	k := in.keep(t, "desperate")
	k.policy(t, "sales", li)
	k.roles(t, "True Succeeded")
	glass := func(lasts time.Duration) func(*v1alpha1.CRMEnvironment) {
		return func(e *v1alpha1.CRMEnvironment) {
			e.Spec.BreakGlass = &v1alpha1.BreakGlass{By: "boss@acme.example", Reason: "the export hangs", ExpiresAt: metav1.NewTime(time.Now().Add(lasts))}
		}
	}
	edit(t, in, k.env, glass(48*time.Hour))
	k.roles(t, "False Invalid")
	assert.Contains(t, message(k.env, v1alpha1.ConditionRolesEnforced), "spec.breakGlass.expiresAt")
	assert.False(t, k.canLogIn(trytonsim.Admin))

	edit(t, in, k.env, glass(8*time.Second))
	k.roles(t, "False GlassBroken")
	assert.True(t, k.canLogIn(trytonsim.Admin))
	k.told(t, v1alpha1.ReasonGlassBroken, "by boss@acme.example: the export hangs")
	k.roles(t, "True Succeeded")
	assert.False(t, k.canLogIn(trytonsim.Admin), "its time is over")

	wrong := rolePolicy(k.env, "wrong")
	wrong.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", "CRMkeep")}
	k.create(t, wrong)
	k.roles(t, "False PolicyRefused")
	edit(t, in, k.env, glass(8*time.Second))
	k.until(t, "the glass is broken", func() error { return mustBe(k.canLogIn(trytonsim.Admin), "not yet") })
	k.until(t, "a wrong policy does not keep it broken", func() error { return mustBe(!k.canLogIn(trytonsim.Admin), "not yet") })
}

func lastPolicyOpensTheAdministrator(t *testing.T, in *installation) {
	k := in.keep(t, "freed")
	p := k.policy(t, "sales", li)
	k.roles(t, "True Succeeded")
	require.NoError(t, k.Delete(t.Context(), p))
	k.until(t, "the administrator can log in", func() error { return mustBe(k.canLogIn(trytonsim.Admin), "not yet") })
	a := k.roles(t, "False NoPolicy")
	assert.False(t, k.canLogIn(li))
	assert.Equal(t, v1alpha1.AdministratorOpen, a.Administrator)
}

func suspendedComesBackClosed(t *testing.T, in *installation) {
	k := in.keep(t, "wintering", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.wintering.example" })
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	assert.True(t, k.letsIn(t, k.env, "ingress"))

	edit(t, in, k.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	k.comesTo(t, k.env, "True Suspended")
	k.roles(t, "False CRMNotRunning")
	k.Fail(trytonsim.Down())
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
	edit(t, in, k.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = "" })
	k.comesTo(t, k.env, "Reconciling RolesPending")
	assert.False(t, k.letsIn(t, k.env, "ingress"), "nobody gets in before the roles hold")

	k.Fail(trytonsim.None())
	k.comesTo(t, k.env, "True Succeeded")
	assert.True(t, k.letsIn(t, k.env, "ingress"))
	assert.False(t, k.canLogIn(li))
	assert.Nil(t, k.env.Status.Access.ClosedSince)
}

// An operator is killed after the first write of a status, after the second, and so on, while one person comes and another one goes. Each time
// the next operator finishes both.
func rolePoliciesOutliveTheirOperators(t *testing.T, in *installation) {
	stop := in.operate(t)
	k := in.keep(t, "successive")
	p := k.policy(t, "sales", bo)
	k.roles(t, "True Succeeded")
	in.settle(t)
	stop()

	require.NoError(t, k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env))
	was := k.env.Status.Access.DeepCopy()
	next := in.operate(t)
	k.passes(t)
	in.settle(t)
	require.NoError(t, k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env))
	assert.Equal(t, was, k.env.Status.Access, "a new operator finds all as it was")
	next()

	goes := bo
	for writes := 1; ; writes++ {
		comes := fmt.Sprintf("person%d@acme.example", writes)
		edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", comes)} })
		died, bury := in.mortalOperator(t, writes, func(path string) bool { return strings.Contains(path, "/crmenvironments/prod/status") })
		survived := k.finishes(t, p, died)
		bury()

		next := in.operate(t)
		require.True(t, k.finishes(t, p, nil))
		assert.True(t, k.logsIn(t, comes).Open())
		assert.False(t, k.canLogIn(goes))
		l := k.leaver(t, goes)
		assert.False(t, l.DoneAt.Before(&l.AskedAt))
		assert.Nil(t, k.invitation(t, goes))
		next()
		if survived {
			// The last write may be seen before the operator's death is.
			assert.GreaterOrEqual(t, writes, 2, "it is a story of several writes")
			return
		}
		goes = comes
	}
}

// finishes waits until the policy is enforced or the operator is dead, and tells which.
func (k *keptCRM) finishes(t *testing.T, p *v1alpha1.CRMRolePolicy, died <-chan struct{}) (finished bool) {
	t.Helper()
	k.until(t, "the operator dies or the policy is enforced", func() error {
		select {
		case <-died:
			return nil
		default:
		}
		if err := k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env); err != nil {
			return err
		}
		a := k.env.Status.Access
		finished = a.Policies[0].Generation == p.Generation && a.Policies[0].State == v1alpha1.AccessEnforced && a.Failure == nil
		return mustBe(finished, "%+v", a)
	})
	return finished
}

func leaversWaitForASealedVault(t *testing.T, in *installation) {
	in.operate(t)
	k := in.keep(t, "sealed")
	p := k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")
	in.vault.Seal(t)
	edit(t, in, p, func(p *v1alpha1.CRMRolePolicy) { p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", bo)} })
	a := k.roles(t, "False VaultSealed")
	assert.Equal(t, li, a.Leavers[0].Name)
	assert.Nil(t, a.Leavers[0].DoneAt)
	assert.True(t, k.canLogIn(bo), "nobody else is concerned")
	in.vault.Unseal(t)
	k.leaver(t, li)
	k.roles(t, "True Succeeded")
}
