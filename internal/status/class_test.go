package status_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func TestAClassIsReadyOrStalled(t *testing.T) {
	class := build.Class()
	valid := status.Class(class, nil, nil, now)
	require.NoError(t, statuscheck.Check(1, valid.ObservedGeneration, valid.Conditions))
	assert.Equal(t, "True Succeeded", summary(valid.Conditions))

	invalid := status.Class(class, outcome.Reject(v1alpha1.ReasonInvalid, "spec.files[0]: no"), nil, now)
	require.NoError(t, statuscheck.Check(1, invalid.ObservedGeneration, invalid.Conditions))
	assert.Equal(t, "Stalled Invalid", summary(invalid.Conditions))
}

// contacts is a class whose catalogue names two models.
func contacts() *v1alpha1.CRMClass {
	return build.Class(func(c *v1alpha1.CRMClass) {
		c.Spec.Objects = []v1alpha1.ClassObject{{
			Name: "contact", Native: []string{"party.party", "party.address"}, OwnerField: "owner",
			Fields: []v1alpha1.ClassField{{Name: "phone", Native: "party.party.phone"}},
		}}
	})
}

// asked is an environment whose CRM was asked for the names of the catalogue.
func asked(tenant string, unknown ...string) v1alpha1.CRMEnvironment {
	return *build.Environment(tenant, "prod", func(e *v1alpha1.CRMEnvironment) {
		e.Status.Version = "2.0"
		e.Status.Access = &v1alpha1.AccessStatus{Catalogue: "demo/1/2.0", UnknownNames: unknown}
	})
}

func TestAClassSaysWhatCRMsDoNotHaveOfItsCatalogue(t *testing.T) {
	notAsked := *build.Environment("acme", "new", func(e *v1alpha1.CRMEnvironment) { e.Status.Access = &v1alpha1.AccessStatus{} })
	for sentence, c := range map[string]struct {
		environments []v1alpha1.CRMEnvironment
		want         string
		says, lacks  []string
	}{
		"there is no environment": {},
		"none was asked":          {environments: []v1alpha1.CRMEnvironment{notAsked}},
		"all have everything":     {environments: []v1alpha1.CRMEnvironment{notAsked, asked("acme")}, want: "True Succeeded"},
		"some lack something": {
			environments: []v1alpha1.CRMEnvironment{asked("globex", "party.party.phone", "party.address.owner"), asked("initech"), asked("acme", "party.address")},
			want:         "False CatalogueMismatch",
			says:         []string{"spec.objects", "2 environments", "do not have party.address, party.address.owner, party.party.phone; correct the names"},
			lacks:        []string{"crm-acme/prod (2.0) lacks party.address", "crm-globex/prod (2.0) lacks party.party.phone, party.address.owner"},
		},
		"one was asked for what is named no more": {environments: []v1alpha1.CRMEnvironment{asked("acme", "party.party.fax", "old.model")}, want: "True Succeeded"},
	} {
		t.Run(sentence, func(t *testing.T) {
			class := contacts()
			got := status.Class(class, nil, c.environments, now)
			require.NoError(t, statuscheck.Check(1, got.ObservedGeneration, got.Conditions))
			assert.Equal(t, "True Succeeded", summary(got.Conditions), "environments of what it has can still be made")
			matches := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionCatalogueMatches)
			if c.want == "" {
				assert.Nil(t, matches)
				return
			}
			require.NotNil(t, matches)
			assert.Equal(t, c.want, string(matches.Status)+" "+matches.Reason)
			for _, part := range c.says {
				assert.Contains(t, matches.Message, part)
			}
			assert.NotContains(t, matches.Message, "acme", "whoever may read classes learns of no tenant")
			var lacks []string
			for _, lack := range status.Lacking(class, c.environments) {
				lacks = append(lacks, lack.String())
			}
			assert.Equal(t, c.lacks, lacks)

			class.Status = got
			assert.Equal(t, got, status.Class(class, nil, c.environments, later), "the same an hour later")
		})
	}
}

func TestAClassForgetsWhatItsLastEnvironmentLacked(t *testing.T) {
	class := contacts()
	class.Status = status.Class(class, nil, []v1alpha1.CRMEnvironment{asked("acme", "party.address")}, now)
	assert.Nil(t, meta.FindStatusCondition(status.Class(class, nil, nil, later).Conditions, v1alpha1.ConditionCatalogueMatches))
}

func TestManyNamesDoNotFillAMessage(t *testing.T) {
	class := contacts()
	var unknown []string
	for _, suffix := range strings.Split("abcdefghijklmnop", "") {
		class.Spec.Objects = append(class.Spec.Objects, v1alpha1.ClassObject{Name: suffix, Native: []string{"model." + suffix}})
		unknown = append(unknown, "model."+suffix)
	}
	got := status.Class(class, nil, []v1alpha1.CRMEnvironment{asked("acme", unknown...)}, now)
	assert.Contains(t, meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionCatalogueMatches).Message, "model.j and 6 more")
}
