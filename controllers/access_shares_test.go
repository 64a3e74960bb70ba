package controllers

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

func TestATenantWhoseCRMsHangLeavesPlacesToOthers(t *testing.T) {
	var s shares
	for range accessShare {
		assert.True(t, s.take("crm-acme"))
	}
	assert.False(t, s.take("crm-acme"))
	assert.True(t, s.take("crm-globex"))
	s.give("crm-acme")
	assert.True(t, s.take("crm-acme"))
	assert.Less(t, accessShare, accessConcurrency)
}

func TestCRMsOfManyTenantsThatDoNotAnswerLeavePlacesToThoseThatDo(t *testing.T) {
	var s shares
	environment := func(tenant int, reason string) *v1alpha1.CRMEnvironment {
		env := &v1alpha1.CRMEnvironment{}
		env.Namespace = fmt.Sprintf("crm-%d", tenant)
		env.Status.Access = &v1alpha1.AccessStatus{}
		if reason != "" {
			env.Status.Access.Failure = &v1alpha1.AccessFailure{Reason: reason}
		}
		return env
	}
	for tenant := range accessShare {
		assert.True(t, s.take(placesOf(environment(tenant, v1alpha1.ReasonCRMUnreachable))...))
	}
	silent := environment(accessShare, v1alpha1.ReasonCRMUnreachable)
	assert.False(t, s.take(placesOf(silent)...))
	assert.True(t, s.take(placesOf(environment(accessShare, ""))...))
	assert.True(t, s.take(placesOf(environment(accessShare, v1alpha1.ReasonPolicyRefused))...))
	s.give(placesOf(environment(0, v1alpha1.ReasonCRMUnreachable))...)
	assert.True(t, s.take(placesOf(silent)...))
}
