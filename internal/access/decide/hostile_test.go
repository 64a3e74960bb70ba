package decide_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
)

// Each policy is checked against all others, so it is their number that is bound first.
func TestPoliciesThatNameHundredsOfThousandsAreRefused(t *testing.T) {
	d := decide.Decide(input(func(in *decide.Input) {
		in.Seen.Policies = nil
		for i := range 100 {
			p := policy(fmt.Sprintf("p%03d", i))
			for range 20 {
				b := v1alpha1.RoleBinding{Role: "rep"}
				for k := range 100 {
					b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: fmt.Sprintf("user%d.%d", i, k)})
				}
				p.Spec.Bindings = append(p.Spec.Bindings, b)
			}
			in.Seen.Policies = append(in.Seen.Policies, p)
		}
	}))
	assert.Equal(t, access.ModePutOut, d.Mode)
	for _, p := range d.Policies {
		assert.Equal(t, v1alpha1.AccessRefused, p.State)
		assert.Contains(t, p.Message, "they have 200000 subjects in one environment, and may have 100000")
	}
	assert.Len(t, d.Plan.People, 10_000)
}
