package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/testing/samples"
)

// Every rule is broken alone, in an accepted sample that has a value at its path. So each kind's accepted samples together have a value
// at every path.
func TestAValueThatBreaksARuleOfASchemaIsRefusedForIt(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "acme")
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			schema := schemaOf(t, kind.plural)
			untried := map[rule]bool{}
			for _, r := range schema.everyRule(t, "") {
				untried[r] = r.keyword != expressions
			}
			eachSample(t, kind.name, "accepted", func(t *testing.T, base, sample []byte) {
				for _, accepted := range samples.Objects(t, base, sample) {
					require.NoError(t, dryRun(t, c, accepted.Object))
					breakRules(t, c, schema, accepted.Object, untried)
				}
			})
			for r, still := range untried {
				assert.False(t, still, "no accepted sample has a value at %s: its %s is untried", r.path, r.keyword)
			}
		})
	}
}

// breakRules breaks those rules in an accepted sample that were not tried before.
func breakRules(t *testing.T, c client.Client, schema jsonSchema, accepted map[string]any, untried map[rule]bool) {
	t.Helper()
	for _, p := range schema.places(accepted) {
		for _, r := range p.schema.rules(t, p.path()) {
			if untried[r] {
				untried[r] = false
				err := dryRun(t, c, p.breaking(r, accepted))
				if assert.Error(t, err, "%s: %s is not enforced", r.path, r.keyword) {
					assert.True(t, slices.ContainsFunc(causesOf(t, err), r.isBrokenIn), "%s: %s: refused for another reason: %v", r.path, r.keyword, err)
				}
			}
		}
	}
}

func TestEveryExpressionHasARejectedSample(t *testing.T) {
	c := newClient(t, server.Server(t).Config())
	createHome(t, c, "acme")
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			var causes []metav1.StatusCause
			eachSample(t, kind.name, "rejected", func(t *testing.T, base, sample []byte) {
				wanted := wantedMessages(t, sample)
				for _, cause := range causesOf(t, samples.Write(t, c, base, sample)) {
					if slices.ContainsFunc(wanted, func(want string) bool { return strings.Contains(cause.Field+": "+cause.Message, want) }) {
						causes = append(causes, cause)
					}
				}
			})
			for _, r := range schemaOf(t, kind.plural).everyRule(t, "") {
				if r.keyword == expressions {
					assert.True(t, slices.ContainsFunc(causes, r.isBrokenIn), "no sample is refused at %q with %q", r.path, r.message)
				}
			}
		})
	}
}

// dryRun asks the API server whether it would create an object.
func dryRun(t *testing.T, c client.Client, object map[string]any) error {
	t.Helper()
	return c.Create(t.Context(), &unstructured.Unstructured{Object: object}, client.DryRunAll)
}
