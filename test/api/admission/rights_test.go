package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/crmkeep/crmkeep/internal/testing/golden"
)

// The API server itself lists what each user may do. What is not in the file, nobody may by these roles.
func TestTheRightsOfEachRoleAreAsReviewed(t *testing.T) {
	prepare(t)
	var text strings.Builder
	for _, user := range slices.DeleteFunc(slices.Clone(people), func(user string) bool { return user == stranger }) {
		require.Eventually(t, func() bool { return len(rights(t, user, home)) > 0 }, activation, 50*time.Millisecond, user)
		for _, namespace := range []string{home, otherHome, workload} {
			own := rights(t, user, namespace)
			fmt.Fprintf(&text, "%s in %s\n", user, namespace)
			for _, right := range slices.Sorted(maps.Keys(own)) {
				fmt.Fprintf(&text, "  %s\n", right)
			}
		}
	}
	golden.Compare(t, "testdata/rights.txt", []byte(text.String()))
}

// rights that a user has in a namespace and in the cluster by the roles of crmkeep: those that everybody has who is logged in are left out.
func rights(t *testing.T, user, namespace string) map[string]bool {
	t.Helper()
	own := rulesOf(t, user, namespace)
	for right := range rulesOf(t, stranger, namespace) {
		delete(own, right)
	}
	return own
}

func rulesOf(t *testing.T, user, namespace string) map[string]bool {
	t.Helper()
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	require.NoError(t, clientOf(t, user).Create(t.Context(), review))
	require.False(t, review.Status.Incomplete, review.Status.EvaluationError)
	found := map[string]bool{}
	for _, rule := range review.Status.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				found[fmt.Sprintf("%s/%s%q: %s", group, resource, rule.ResourceNames, strings.Join(rule.Verbs, " "))] = true
			}
		}
	}
	for _, rule := range review.Status.NonResourceRules {
		for _, url := range rule.NonResourceURLs {
			found[url+": "+strings.Join(rule.Verbs, " ")] = true
		}
	}
	return found
}
