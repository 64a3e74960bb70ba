package compile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
)

func TestPeopleAreShownAsThePolicyThatComesFirstSays(t *testing.T) {
	policy := func(name string, people ...v1alpha1.PolicyPerson) *v1alpha1.CRMRolePolicy {
		return &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.CRMRolePolicySpec{
			Environments: []string{"prod"}, People: people,
			Roles: []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{{Objects: []string{"product"}, Verbs: []v1alpha1.Verb{"read"}, Scope: "All"}}}},
			Bindings: []v1alpha1.RoleBinding{{Role: "rep", Subjects: []v1alpha1.Subject{
				{Kind: "User", Name: "bo@acme.example"}, {Kind: "User", Name: "li.na@acme.example"}, {Kind: "User", Name: "wei"},
			}}},
		}}
	}
	sales := policy("sales", v1alpha1.PolicyPerson{Name: "li.na@acme.example", DisplayName: "李娜"}, v1alpha1.PolicyPerson{Name: "stranger", DisplayName: "Nobody"})
	support := policy("support",
		v1alpha1.PolicyPerson{Name: "li.na@acme.example", DisplayName: "Li Na", Email: "li@mail.acme.example"},
		v1alpha1.PolicyPerson{Name: "wei", DisplayName: "Wei Zhang", Email: "wei@acme.example"})
	for _, in := range []compile.Input{input(t, sales, support), input(t, support, sales)} {
		people := compile.Compile(in).Plan().People
		require.Len(t, people, 3, "who is bound nowhere is none")
		assert.Equal(t, []string{"bo@acme.example", "bo@acme.example"}, []string{people[0].DisplayName, people[0].Email}, "the login, where nothing is said")
		assert.Equal(t, []string{"李娜", "li@mail.acme.example"}, []string{people[1].DisplayName, people[1].Email})
		assert.Equal(t, []string{"Wei Zhang", "wei@acme.example"}, []string{people[2].DisplayName, people[2].Email})
	}
}
