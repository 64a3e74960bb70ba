package plan_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/podsecurity"
)

// What follows holds for every plan. It is read back from what was printed, so it speaks of what would reach the API server.

func TestEveryPlannedPodPassesPodSecurityRestricted(t *testing.T) {
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		assert.NoError(t, podsecurity.Restricted(template))
		for _, c := range containers(template) {
			assert.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, "container %s can write to its image", c.Name)
		}
	})
}

func TestNoPlannedPodHasATokenButOneForVault(t *testing.T) {
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		require.NotNil(t, template.Spec.AutomountServiceAccountToken)
		assert.False(t, *template.Spec.AutomountServiceAccountToken)
		var tokens []corev1.ServiceAccountTokenProjection
		var volume string
		for _, v := range template.Spec.Volumes {
			if v.Projected == nil {
				continue
			}
			for _, source := range v.Projected.Sources {
				require.NotNil(t, source.ServiceAccountToken, "volume %s projects something else", v.Name)
				tokens, volume = append(tokens, *source.ServiceAccountToken), v.Name
			}
		}
		if template.Labels[naming.LabelComponent] == naming.ComponentPull {
			assert.Empty(t, tokens, "it has nothing to ask Vault")
			return
		}
		require.Len(t, tokens, 1)
		assert.Equal(t, "vault", tokens[0].Audience)
		assert.LessOrEqual(t, *tokens[0].ExpirationSeconds, int64(3600))
		for _, c := range containers(template) {
			mounts := slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
			assert.Equal(t, c.Name == "agent", mounts, "container %s", c.Name)
		}
	})
}

func TestNoPlannedPodRefersToASecret(t *testing.T) {
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		for _, c := range containers(template) {
			assert.Empty(t, c.Env, "container %s: what an application gets as environment is rendered in memory", c.Name)
			assert.Empty(t, c.EnvFrom, "container %s", c.Name)
		}
		for _, v := range template.Spec.Volumes {
			assert.Nil(t, v.Secret, "volume %s", v.Name)
			assert.Nil(t, v.HostPath, "volume %s", v.Name)
		}
		text, err := yaml.Marshal(template)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "${", "a binding was not rendered")
	})
}

func TestWhatAnAgentRendersIsMadeInMemory(t *testing.T) {
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		for _, v := range template.Spec.Volumes {
			if v.Name == "crmkeep-files" {
				assert.Equal(t, corev1.StorageMediumMemory, v.EmptyDir.Medium)
				assert.NotNil(t, v.EmptyDir.SizeLimit)
				return
			}
		}
		if template.Labels[naming.LabelComponent] == naming.ComponentPull {
			return // It has no agent.
		}
		t.Error("no volume for what the agent renders")
	})
}

func TestNoAgentConfigurationHoldsTheValueOfASecretBinding(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		if o.GetKind() != "ConfigMap" {
			return
		}
		var c config.Config
		text, _, err := unstructured.NestedString(o.Object, "data", config.FileName)
		require.NoError(t, err)
		require.NoError(t, yaml.UnmarshalStrict([]byte(text), &c))
		for _, value := range c.Values {
			b, ok := binding.Lookup(value.Name)
			assert.True(t, ok, value.Name)
			assert.False(t, b.Secret, value.Name)
		}
		if component := o.GetLabels()[naming.LabelComponent]; component != naming.ComponentMigrate && component != naming.ComponentCheck {
			assert.Nil(t, c.Admin, "only the migration and the checks know the first administrator")
			assert.Nil(t, c.Adapter, "only they know crmkeep's own account")
			assert.NotContains(t, text, "admin.password")
			assert.NotContains(t, text, "adapter.password")
		}
	})
}

// The image of a version that is not run yet is started beside one that is.
func TestWhatShowsThatAnImageStartsReachesNothing(t *testing.T) {
	found := false
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		if template.Labels[naming.LabelComponent] != naming.ComponentPull {
			return
		}
		found = true
		require.Len(t, template.Spec.Volumes, 1)
		assert.NotNil(t, template.Spec.Volumes[0].EmptyDir, "no volume with data")
		for _, c := range containers(template) {
			assert.Contains(t, c.Command[0], "crmkeep", "the image's own program does not run")
		}
	})
	assert.True(t, found, "a case has one")
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		if o.GetKind() == "NetworkPolicy" {
			text, err := yaml.Marshal(o.Object)
			require.NoError(t, err)
			assert.NotContains(t, string(text), naming.LabelComponent+": "+naming.ComponentPull+"\n")
		}
	})
}

// What crmkeep prunes has its label. A CronJob's Jobs are not planned one by one, so with it they would be deleted as they run.
func TestJobsThatACronJobMakesAreNotTakenForCrmkeeps(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		if o.GetKind() == "CronJob" {
			var c batchv1.CronJob
			decode(t, o, &c)
			assert.NotEmpty(t, c.Spec.JobTemplate.Labels, "the API server would give them those of their pods")
			assert.NotContains(t, c.Spec.JobTemplate.Labels, naming.LabelManagedBy)
			assert.Contains(t, c.Spec.JobTemplate.Spec.Template.Labels, naming.LabelManagedBy, "its pods are waited for before a migration")
		}
	})
}

func TestNothingPlannedIsASecret(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) { assert.NotEqual(t, "Secret", o.GetKind()) })
}

func TestNothingPlannedHasAnOwnerThatCouldTakeItAlong(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) { assert.Empty(t, o.GetOwnerReferences()) })
}

func TestEveryPlannedObjectIsInANamespaceOfItsTenantAndSaysWhoseItIs(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		l := o.GetLabels()
		tenant, environment := l[naming.LabelTenant], l[naming.LabelEnvironment]
		want := naming.HomeNamespace(tenant)
		if environment != "" {
			want = naming.WorkloadNamespace(tenant, environment)
		}
		namespace := o.GetNamespace()
		if o.GetKind() == "Namespace" {
			namespace = o.GetName()
		}
		assert.Equal(t, want, namespace)
		assert.Equal(t, naming.ManagedBy, l[naming.LabelManagedBy])
	})
}

func TestEveryNameAndLabelFits(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		assert.Empty(t, validation.IsDNS1123Label(o.GetName()))
		if o.GetNamespace() != "" {
			assert.Empty(t, validation.IsDNS1123Label(o.GetNamespace()))
		}
		for key, value := range o.GetLabels() {
			assert.Empty(t, validation.IsQualifiedName(key))
			assert.Empty(t, validation.IsValidLabelValue(value))
		}
	})
	eachPod(t, func(t *testing.T, template *corev1.PodTemplateSpec) {
		for _, v := range template.Spec.Volumes {
			assert.Empty(t, validation.IsDNS1123Label(v.Name))
		}
	})
}

func TestEveryWorkloadNamespaceDeniesByDefaultBothWays(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			denied, workloads := map[string]bool{}, map[string]bool{}
			for _, o := range planned(t, dir) {
				switch {
				case o.GetKind() == "Namespace" && o.GetLabels()[naming.LabelNamespace] == naming.NamespaceWorkload:
					workloads[o.GetName()] = true
				case o.GetKind() == "NetworkPolicy" && o.GetName() == "default-deny":
					var p networkingv1.NetworkPolicy
					decode(t, o, &p)
					assert.Equal(t, metav1.LabelSelector{}, p.Spec.PodSelector, "every pod")
					assert.ElementsMatch(t, []networkingv1.PolicyType{"Ingress", "Egress"}, p.Spec.PolicyTypes)
					assert.Empty(t, p.Spec.Ingress)
					assert.Empty(t, p.Spec.Egress)
					denied[o.GetNamespace()] = true
				}
			}
			assert.Equal(t, workloads, denied)
			assert.NotEmpty(t, denied)
		})
	}
}

func TestEveryNamespaceIsRestricted(t *testing.T) {
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		if o.GetKind() == "Namespace" {
			assert.Equal(t, "restricted", o.GetLabels()["pod-security.kubernetes.io/enforce"])
		}
	})
}

func eachObject(t *testing.T, check func(*testing.T, *unstructured.Unstructured)) {
	t.Helper()
	for _, dir := range cases(t) {
		for _, o := range planned(t, dir) {
			t.Run(filepath.Base(dir)+"/"+o.GetKind()+"/"+o.GetName(), func(t *testing.T) { check(t, o) })
		}
	}
}

func eachPod(t *testing.T, check func(*testing.T, *corev1.PodTemplateSpec)) {
	t.Helper()
	checked := map[string]bool{}
	eachObject(t, func(t *testing.T, o *unstructured.Unstructured) {
		if template := podOf(t, o); template != nil {
			checked[o.GetKind()] = true
			check(t, template)
		}
	})
	assert.Len(t, checked, 4, "the cases have pods of Deployments, StatefulSets, Jobs and CronJobs")
}

func podOf(t *testing.T, o *unstructured.Unstructured) *corev1.PodTemplateSpec {
	t.Helper()
	switch o.GetKind() {
	case "Deployment":
		var d appsv1.Deployment
		decode(t, o, &d)
		return &d.Spec.Template
	case "StatefulSet":
		var s appsv1.StatefulSet
		decode(t, o, &s)
		return &s.Spec.Template
	case "Job":
		var j batchv1.Job
		decode(t, o, &j)
		return &j.Spec.Template
	case "CronJob":
		var c batchv1.CronJob
		decode(t, o, &c)
		return &c.Spec.JobTemplate.Spec.Template
	}
	return nil
}

func containers(template *corev1.PodTemplateSpec) []corev1.Container {
	return slices.Concat(template.Spec.InitContainers, template.Spec.Containers)
}

// decode refuses fields that the kind does not have.
func decode(t *testing.T, o *unstructured.Unstructured, into any) {
	t.Helper()
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true))
}

// read back once: no test changes what it gets.
var readBack = map[string][]*unstructured.Unstructured{}

// planned reads the objects of a case back; what is in Vault is printed as comments.
func planned(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	if _, ok := readBack[dir]; !ok {
		readBack[dir] = readPlan(t, dir)
	}
	return readBack[dir]
}

func readPlan(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	decoder := yamlutil.NewYAMLOrJSONDecoder(bytes.NewReader(printPlan(t, dir)), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err)
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}
