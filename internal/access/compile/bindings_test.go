package compile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/compile"
)

func TestBindingsOfPeopleAreListedAlsoWhenTheyHaveExpired(t *testing.T) {
	ended := now.Add(-time.Hour)
	subjects := func(logins ...string) []v1alpha1.Subject {
		var all []v1alpha1.Subject
		for _, login := range logins {
			all = append(all, v1alpha1.Subject{Kind: "User", Name: login})
		}
		return all
	}
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: "sales"}, Spec: v1alpha1.CRMRolePolicySpec{
		Environments: []string{"prod"}, Roles: []v1alpha1.Role{{Name: "rep"}, {Name: "lead"}},
		Bindings: []v1alpha1.RoleBinding{
			{Role: "rep", Subjects: subjects("wei", "li.na", "wei")},
			{Role: "lead", Subjects: subjects("wei"), ExpiresAt: &metav1.Time{Time: ended}, Reason: "holiday"},
			{Role: "boss", Subjects: subjects("wei")},
			{Role: "rep", Subjects: append(subjects(access.OperatorLogin), v1alpha1.Subject{Kind: "Group", Name: "sales"})},
		},
	}}
	program := compile.Compile(input(t, p))
	assert.Equal(t, map[string][]compile.Binding{
		"li.na": {{Role: "sales.rep"}},
		"wei":   {{Role: "sales.lead", ExpiresAt: ended, Reason: "holiday"}, {Role: "sales.rep"}},
	}, program.Bindings())
	assert.Equal(t, []string{"sales.rep"}, program.Held("wei"), "what has expired is not held")
	assert.True(t, program.Reserved(access.OperatorLogin))
	assert.False(t, program.Reserved("wei"))
}
