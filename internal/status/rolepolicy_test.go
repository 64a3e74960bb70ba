package status_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/judge"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func TestAPolicysStatusFollowsFromItsEnvironments(t *testing.T) {
	rule := func(environment string) v1alpha1.NotEnforcedRule {
		return v1alpha1.NotEnforcedRule{Environment: environment, Role: "rep", Reason: "it cannot mask"}
	}
	enforced := judge.Verdict{Environment: "prod"}
	partly := judge.Verdict{Environment: "test", NotEnforced: []v1alpha1.NotEnforcedRule{rule("test")}}
	missing := judge.Verdict{Environment: "gone", Err: outcome.Wait(v1alpha1.ReasonEnvironmentNotFound, 0, "CRMEnvironment gone does not exist")}
	unreachable := judge.Verdict{Environment: "dev", Err: outcome.Wait(v1alpha1.ReasonCRMUnreachable, 0, "nothing answers")}
	refused := judge.Verdict{Environment: "qa", Err: outcome.Reject(v1alpha1.ReasonPolicyRefused, "spec.roles[0]: no")}
	for sentence, c := range map[string]struct {
		verdicts    []judge.Verdict
		ready       string
		enforced    string
		says        string
		states      string
		notEnforced int
	}{
		"it holds everywhere": {
			verdicts: []judge.Verdict{enforced}, ready: "True Succeeded", enforced: "True Succeeded", states: "prod Enforced"},
		"a rule is not enforced somewhere": {
			verdicts: []judge.Verdict{enforced, partly}, ready: "True Succeeded", enforced: "False NotEnforceable",
			says: "in test, 1 rule is not enforced as declared", states: "prod Enforced, test Enforced", notEnforced: 1},
		"an environment does not exist": {
			verdicts: []judge.Verdict{enforced, missing, unreachable}, ready: "Reconciling EnvironmentNotFound", enforced: "False EnvironmentNotFound",
			says: "environment gone: CRMEnvironment gone does not exist", states: "prod Enforced, gone Pending, dev Pending"},
		"it is refused somewhere, and waited for elsewhere": {
			verdicts: []judge.Verdict{missing, refused, partly}, ready: "Stalled PolicyRefused", enforced: "False PolicyRefused",
			says: "environment qa: spec.roles[0]: no", states: "gone Pending, qa Refused, test Enforced", notEnforced: 1},
	} {
		t.Run(sentence, func(t *testing.T) {
			p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Generation: 4}}
			got := status.RolePolicy(p, c.verdicts, now)
			require.NoError(t, statuscheck.Check(4, got.ObservedGeneration, got.Conditions))
			assert.Equal(t, c.ready, summary(got.Conditions))
			condition := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionRolesEnforced)
			assert.Equal(t, c.enforced, string(condition.Status)+" "+condition.Reason)
			assert.Contains(t, condition.Message, c.says)
			var states []string
			for _, in := range got.Environments {
				states = append(states, in.Name+" "+string(in.State))
			}
			assert.Equal(t, c.states, strings.Join(states, ", "))
			assert.Len(t, got.NotEnforced, c.notEnforced)

			p.Status = got
			assert.Equal(t, got, status.RolePolicy(p, c.verdicts, later), "the same an hour later")
		})
	}
}

func TestEachRoleSaysHowManyOfItsRulesAreEnforced(t *testing.T) {
	rule := v1alpha1.RoleRule{Objects: []string{"contact"}, Verbs: []v1alpha1.Verb{"read"}}
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Generation: 4}}
	p.Spec.Roles = []v1alpha1.Role{
		{Name: "rep", Rules: []v1alpha1.RoleRule{rule, rule}}, {Name: "lead", Inherits: []string{"rep"}, Rules: []v1alpha1.RoleRule{rule}}, {Name: "guest"},
	}
	first := judge.Verdict{Environment: "prod", Lesser: map[string][]bool{"lead": {true, false, false}}}
	second := judge.Verdict{Environment: "test", Lesser: map[string][]bool{"lead": {true, true, false}, "guest": {}}}
	unreachable := judge.Verdict{Environment: "dev", Err: outcome.Wait(v1alpha1.ReasonCRMUnreachable, 0, "nothing answers")}
	for sentence, c := range map[string]struct {
		verdicts []judge.Verdict
		want     string
	}{
		"all of them": {[]judge.Verdict{{Environment: "prod"}}, "rep Enforced 2/0, lead Enforced 3/0, guest Enforced 0/0"},
		"but for those that one of the environments does not enforce, and the role's session where it has no rules": {
			[]judge.Verdict{first, second}, "rep Enforced 2/0, lead NotEnforceable 1/2, guest NotEnforceable 0/0"},
		"none while an environment does not have the policy, and what never will be is known before": {
			[]judge.Verdict{first, unreachable}, "rep Pending 0/0, lead NotEnforceable 0/1, guest Pending 0/0"},
	} {
		var got []string
		for _, r := range status.RolePolicy(p, c.verdicts, now).Roles {
			got = append(got, fmt.Sprintf("%s %s %d/%d", r.Name, r.State, r.Rules, r.NotEnforced))
		}
		assert.Equal(t, c.want, strings.Join(got, ", "), sentence)
	}
}

func TestAPolicysStatusStaysWithinTheAPIsLimits(t *testing.T) {
	long := strings.Repeat("长", 5000)
	v := judge.Verdict{Environment: "prod", Err: errors.New(long), NotEnforced: make([]v1alpha1.NotEnforcedRule, 150)}
	got := status.RolePolicy(&v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Generation: 1}}, []judge.Verdict{v, v}, now)
	assert.Len(t, got.NotEnforced, 200)
	assert.LessOrEqual(t, utf8.RuneCountInString(got.Environments[0].Message), 2000)
	assert.True(t, utf8.ValidString(got.Environments[0].Message))
}
