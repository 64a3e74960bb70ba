// Package build makes objects for tests: complete and valid, with what a test is about changed by name.
package build

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// ClassName is the class that Environment names.
const ClassName = "demo"

// Settings of an installation with an ingress.
func Settings(change ...func(*settings.Settings)) settings.Settings {
	s := settings.Settings{
		Vault:  settings.Vault{Address: "https://vault.vault.svc:8200"},
		Images: settings.Images{Crmkeep: "crmkeep.local/crmkeep:test", Postgres: "crmkeep.local/postgres:15"},
		Network: settings.Network{
			DNS:     settings.Peer{Namespace: "kube-system", PodLabels: map[string]string{"k8s-app": "kube-dns"}},
			Vault:   settings.Peer{Namespace: "vault"},
			Ingress: &settings.Peer{Namespace: "ingress"},
		},
	}.WithDefaults()
	apply(&s, change)
	return s
}

// Tenant without limits, approvals or domains.
func Tenant(name string, change ...func(*v1alpha1.CRMTenant)) *v1alpha1.CRMTenant {
	t := &v1alpha1.CRMTenant{
		TypeMeta:   typeMeta("CRMTenant"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 1},
		Spec: v1alpha1.CRMTenantSpec{
			DisplayName:        "Acme Trading",
			Owner:              v1alpha1.Person{Name: "Wei Zhang", Email: "wei.zhang@acme.example"},
			Admins:             []v1alpha1.Subject{{Kind: "Group", Name: name + "-crm-admins"}},
			DataClassification: v1alpha1.ClassificationConfidential,
			Region:             "cn-east-1",
		},
	}
	apply(t, change)
	return t
}

// Class is a product with a component of each type but Scheduled, a volume, a data key, a first administrator, a command that neutralises
// copies and two versions, of which the second is the default.
func Class(change ...func(*v1alpha1.CRMClass)) *v1alpha1.CRMClass {
	c := &v1alpha1.CRMClass{
		TypeMeta:   typeMeta("CRMClass"),
		ObjectMeta: metav1.ObjectMeta{Name: ClassName, Generation: 1},
		Spec: v1alpha1.CRMClassSpec{
			DisplayName: "Demo CRM",
			Versions: []v1alpha1.ClassVersion{
				{Name: "1.0", Image: "crmkeep.local/demo:1.0"}, {Name: "2.0", Image: "crmkeep.local/demo:2.0"},
			},
			DefaultVersion: "2.0",
			Database:       v1alpha1.ClassDatabase{Engine: "PostgreSQL", Name: "demo"},
			DataKey:        &v1alpha1.ClassDataKey{Rotation: "Restart"},
			Admin:          &v1alpha1.ClassAdmin{Login: "admin"},
			Files: []v1alpha1.ClassFile{
				{Name: "demo.conf", Template: "url=${environment.url}\nkey=${key.hex}\n"},
				{Name: "admin-password", Template: "${admin.password}", Audience: "Migration"},
			},
			Migration:  v1alpha1.ClassMigration{Command: []string{"demo", "migrate", "${version}"}},
			Neutralise: &v1alpha1.ClassCommand{Command: []string{"demo", "neutralise", "--keep", "${source.keepLogins}"}},
			Components: []v1alpha1.ClassComponent{
				{
					Name: "web", Type: v1alpha1.ComponentWeb, Command: []string{"demo", "serve", "${app.port}"}, Port: Pointer[int32](8000),
					Readiness:    &v1alpha1.HTTPCheck{Path: "/${database.name}/ready"},
					VolumeMounts: []v1alpha1.ClassVolumeMount{{Name: "uploads", MountPath: "/var/lib/demo"}},
				},
				{Name: "queue", Type: v1alpha1.ComponentWorker, Command: []string{"demo", "work"}},
			},
			Volumes: []v1alpha1.ClassVolume{{Name: "uploads", AccessMode: "ReadWriteOnce"}},
			Sizes: []v1alpha1.ClassSize{
				{Name: "Small", Database: v1alpha1.DatabaseSize{Storage: Pointer(resource.MustParse("2Gi"))}},
				{
					Name: "Medium", Components: []v1alpha1.ComponentSize{{Name: "queue", Replicas: Pointer[int32](3)}},
					Database: v1alpha1.DatabaseSize{Storage: Pointer(resource.MustParse("2Gi"))},
				},
			},
		},
	}
	apply(c, change)
	return c
}

// Environment of a tenant, of class ClassName, for tests of no value.
func Environment(tenant, name string, change ...func(*v1alpha1.CRMEnvironment)) *v1alpha1.CRMEnvironment {
	e := &v1alpha1.CRMEnvironment{
		TypeMeta:   typeMeta("CRMEnvironment"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: naming.HomeNamespace(tenant), Generation: 1},
		Spec: v1alpha1.CRMEnvironmentSpec{
			ClassRef: v1alpha1.ClassReference{Name: ClassName},
			Purpose:  v1alpha1.PurposeTest,
		},
	}
	apply(e, change)
	return e
}

// Pointer to a value.
func Pointer[T any](v T) *T { return &v }

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: kind}
}

func apply[T any](o *T, changes []func(*T)) {
	for _, change := range changes {
		change(o)
	}
}
