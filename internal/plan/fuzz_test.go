package plan_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/preview"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// What the API server would refuse reaches `crmkeep plan` all the same.
func FuzzNoFileMakesThePlanPanicOrLeaveItsTenant(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(f, err)
	for _, file := range inputs {
		for _, class := range classes {
			f.Add(readSeed(f, file), readSeed(f, class))
		}
	}
	f.Fuzz(func(t *testing.T, declared, class []byte) {
		declarations, err := preview.Parse(declared)
		if err == nil {
			err = declarations.Add(class)
		}
		if err != nil {
			return
		}
		var out bytes.Buffer
		if declarations.Print(&out, preview.Options{Settings: preview.Example()}) == nil {
			staysInItsTenant(t, out.Bytes())
		}
	})
}

// Every text that a tenant's admin can write into an environment, of which the plan makes names, rules and configuration.
func FuzzNoEnvironmentLeavesItsNamespace(f *testing.F) {
	for _, hostile := range []string{
		"crm.acme.example", "*", "database.crm-other--prod.svc", "${key.hex}", "$${", "a\nb: c", "\u202eexample", "../../other", "crm-other--prod", "",
	} {
		f.Add(hostile, hostile, hostile, hostile, hostile, int32(5432))
	}
	f.Fuzz(func(t *testing.T, hostname, cidr, host, bundle, name string, port int32) {
		tenant := build.Tenant("acme", func(o *v1alpha1.CRMTenant) { o.Spec.DisplayName = name })
		env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
			e.Spec.Hostname = hostname
			e.Spec.Integrations = []v1alpha1.Integration{{Name: name, CIDR: cidr, Port: port}}
			e.Spec.Source = &v1alpha1.EnvironmentSource{EnvironmentRef: &v1alpha1.LocalReference{Name: name}, KeepLogins: []v1alpha1.Login{v1alpha1.Login(name)}}
			e.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: host, Port: &port, CIDR: cidr, CABundle: bundle}}
		})
		var declared []byte
		for _, o := range []any{tenant, env, build.Class()} {
			text, err := yaml.Marshal(o)
			if err != nil {
				return // No YAML can say it.
			}
			declared = append(append(declared, "---\n"...), text...)
		}
		declarations, err := preview.Parse(declared)
		require.NoError(t, err)
		var out bytes.Buffer
		if declarations.Print(&out, preview.Options{Settings: build.Settings()}) == nil {
			staysInItsTenant(t, out.Bytes())
		}
	})
}

// staysInItsTenant reads a printed plan back.
func staysInItsTenant(t *testing.T, printed []byte) {
	t.Helper()
	reader := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(printed)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		o := &unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal(document, &o.Object), "%s", document)
		if len(o.Object) == 0 {
			continue // What is in Vault is printed as comments.
		}
		l := o.GetLabels()
		want := naming.HomeNamespace(l[naming.LabelTenant])
		if l[naming.LabelEnvironment] != "" {
			want = naming.WorkloadNamespace(l[naming.LabelTenant], l[naming.LabelEnvironment])
		}
		namespace := o.GetNamespace()
		if o.GetKind() == "Namespace" {
			namespace = o.GetName()
		}
		assert.Equal(t, want, namespace, "%s %s", o.GetKind(), o.GetName())
		assert.NotContains(t, []string{"Secret", "ClusterRole", "ClusterRoleBinding", "Role", "Pod"}, o.GetKind())
	}
}

func readSeed(f *testing.F, file string) []byte {
	f.Helper()
	content, err := os.ReadFile(file)
	require.NoError(f, err)
	return content
}
