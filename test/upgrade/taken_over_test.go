package upgrade

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

var (
	// incidental requests change nothing that anybody declared.
	incidental = regexp.MustCompile(`/events(/|$)|/leases(/|$)|^/v1/auth/`)
	// leadsToData are the kinds that a new version may not drop from its plan.
	leadsToData = regexp.MustCompile(`^(Namespace|PersistentVolumeClaim|StatefulSet) `)
)

// dropped tells whether the new version's plan has an object no more on purpose.
func (u *upgrade) dropped(name string) bool {
	return u.planned[name] != "" && u.plannedNow[name] == "" && !leadsToData.MatchString(name)
}

func (u *upgrade) nothingIsDeletedOrMadeAnew(t *testing.T) {
	require.NotEmpty(t, u.before.managed)
	for _, objects := range [][2]map[string]object{{u.before.managed, u.after.managed}, {u.before.declared, u.after.declared}} {
		for name, was := range objects[0] {
			is, there := objects[1][name]
			if u.dropped(name) {
				t.Logf("%s is planned no more", name)
				continue
			}
			if assert.True(t, there, "%s is gone", name) {
				assert.Equal(t, was.uid, is.uid, "%s is another", name)
			}
		}
	}
}

func (u *upgrade) whatIsPlannedAsBeforeIsLeft(t *testing.T) {
	for name, was := range u.before.managed {
		is := u.after.managed[name]
		if !agree(u.planned, u.plannedNow, name) {
			t.Logf("%s is planned otherwise:\n%s", name, cmp.Diff(strings.Split(u.planned[name], "\n"), strings.Split(u.plannedNow[name], "\n")))
			continue
		}
		assert.Equal(t, was.content, is.content, name)
		assert.Equal(t, was.generation, is.generation, "%s was changed and changed back", name)
	}
	for name, was := range u.before.declared {
		assert.Equal(t, was.generation, u.after.declared[name].generation, "%s was changed", name)
	}
}

func (u *upgrade) podsRunOn(t *testing.T) {
	require.NotEmpty(t, u.before.pods)
	for component, were := range u.before.pods {
		if !u.templateAgrees(t, component) {
			t.Logf("%s has another template: its pods are replaced", component)
			continue
		}
		for uid, name := range were {
			assert.Contains(t, u.after.pods[component], uid, "pod %s of %s was replaced", name, component)
		}
	}
}

// templateAgrees tells whether both versions plan the same pods for a component.
func (u *upgrade) templateAgrees(t *testing.T, component string) bool {
	t.Helper()
	for _, kind := range []string{"Deployment ", "StatefulSet "} {
		if !cmp.Equal(u.planned.template(t, kind+component), u.plannedNow.template(t, kind+component)) {
			return false
		}
	}
	return true
}

// readyAllAlong checks the times at which Ready last changed, of all whose pods had no reason to restart.
func (u *upgrade) readyAllAlong(t *testing.T) {
	for name, was := range u.before.declared {
		if u.podsDiffer(t, was.whole) {
			continue
		}
		for kind, condition := range conditions(t, was.whole) {
			is, there := conditions(t, u.after.declared[name].whole)[kind]
			if !assert.True(t, there, "%s has no condition %s any more", name, kind) {
				continue
			}
			assert.Equal(t, condition.Status, is.Status, "%s of %s: %s", kind, name, is.Message)
			if kind == v1alpha1.ConditionReady {
				assert.Equal(t, condition.LastTransitionTime, is.LastTransitionTime, "%s was not %s all along", name, is.Status)
			}
		}
	}
}

// podsDiffer tells whether an environment has pods that are planned otherwise now.
func (u *upgrade) podsDiffer(t *testing.T, o unstructured.Unstructured) bool {
	t.Helper()
	namespace, _, _ := unstructured.NestedString(o.Object, "status", "namespace")
	for component := range u.before.pods {
		if strings.HasPrefix(component, namespace+"/") && !u.templateAgrees(t, component) {
			return true
		}
	}
	return false
}

func conditions(t *testing.T, o unstructured.Unstructured) map[string]metav1.Condition {
	t.Helper()
	var status struct {
		Status struct{ Conditions []metav1.Condition }
	}
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &status))
	all := map[string]metav1.Condition{}
	for _, condition := range status.Status.Conditions {
		all[condition.Type] = condition
	}
	return all
}

func (u *upgrade) keysAreTheSame(t *testing.T) {
	for path, was := range u.before.vault {
		is, there := u.after.vault[path]
		if !assert.True(t, there, "%s is gone", path) {
			continue
		}
		if strings.HasPrefix(path, keysPath) {
			assert.Equal(t, versionsOf(t, was), versionsOf(t, is), path)
		}
		if agree(u.planned, u.plannedNow, path) {
			assert.Equal(t, was, is, path)
		} else {
			t.Logf("%s is planned otherwise:\n%s", path, cmp.Diff(u.planned[path], u.plannedNow[path]))
		}
	}
	for _, kept := range []string{issuerPath, "crmkeep-kv/data/crm-acme--news/data-key", "crmkeep-kv/data/crm-acme--retained/data-key"} {
		assert.NotEmpty(t, u.before.vault[kept], kept)
	}
}

// recordsStay checks that the new version adds to what a backup's record says, and takes nothing away.
func (u *upgrade) recordsStay(t *testing.T) {
	const name = "CRMBackup crm-acme/by-hand"
	was, is := u.before.declared[name].whole.Object["status"], u.after.declared[name].whole.Object["status"]
	require.NotNil(t, was)
	assert.Subset(t, is, was)
}

func (u *upgrade) certificateVerifies(t *testing.T, v version) {
	var found corev1.ConfigMapList
	require.NoError(t, u.List(t.Context(), &found, client.InNamespace(home), client.HasLabels{naming.LabelEvidence}))
	require.Len(t, found.Items, 1)
	says := u.run(t, v.program, "verify", "statement", write(t, found.Items[0].Data["certificate.json"]),
		"--vault-key", keysPath+"crm-acme--destroyed.evidence")
	assert.Contains(t, says, "the signature fits the public key")
}
