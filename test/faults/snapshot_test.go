package faults

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// kinds that crmkeep makes or that come of what it makes.
var kinds = []schema.GroupVersionKind{
	corev1.SchemeGroupVersion.WithKind("ResourceQuota"), corev1.SchemeGroupVersion.WithKind("LimitRange"),
	corev1.SchemeGroupVersion.WithKind("ServiceAccount"), corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"),
	corev1.SchemeGroupVersion.WithKind("Secret"),
	appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
	batchv1.SchemeGroupVersion.WithKind("Job"), batchv1.SchemeGroupVersion.WithKind("CronJob"),
	networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), networkingv1.SchemeGroupVersion.WithKind("Ingress"),
	policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), rbacv1.SchemeGroupVersion.WithKind("RoleBinding"),
}

// snapshot is everything that there is of a tenant, in the cluster and in Vault, by name, as YAML without what the servers count.
// Two worlds in the same state have equal snapshots.
func (w *world) snapshot(t *testing.T, tenant string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, namespace := range w.namespaces(t, tenant) {
		put(t, all, "Namespace "+namespace.GetName(), normalised(namespace.Object))
		for _, kind := range kinds {
			for _, o := range w.list(t, kind, namespace.GetName()) {
				if len(o.GetOwnerReferences()) == 0 {
					put(t, all, kind.Kind+" "+namespace.GetName()+"/"+o.GetName(), w.declared(t, &o))
				}
			}
		}
		for _, kind := range []string{"CRMEnvironment", "CRMBackup", "CRMBackupSchedule", "CRMRestore", "CRMRolePolicy"} {
			for _, o := range w.list(t, v1alpha1.SchemeGroupVersion.WithKind(kind), namespace.GetName()) {
				put(t, all, kind+" "+o.GetName(), timeless(o.Object))
			}
		}
	}
	for _, o := range w.list(t, v1alpha1.SchemeGroupVersion.WithKind("CRMTenant"), "") {
		if o.GetName() == tenant {
			put(t, all, "CRMTenant "+tenant, timeless(o.Object))
		}
	}
	w.inVault(t, tenant, all)
	return all
}

// namespaces of a tenant. Those that only have such a name count too.
func (w *world) namespaces(t *testing.T, tenant string) []unstructured.Unstructured {
	t.Helper()
	var found []unstructured.Unstructured
	for _, o := range w.list(t, corev1.SchemeGroupVersion.WithKind("Namespace"), "") {
		home := naming.HomeNamespace(tenant)
		if o.GetName() == home || strings.HasPrefix(o.GetName(), home+"--") || o.GetLabels()[naming.LabelTenant] == tenant {
			found = append(found, o)
		}
	}
	return found
}

func (w *world) list(t *testing.T, kind schema.GroupVersionKind, namespace string) []unstructured.Unstructured {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	require.NoError(t, w.List(t.Context(), list, client.InNamespace(namespace)))
	return list.Items
}

func put(t *testing.T, all map[string]string, name string, content any) {
	t.Helper()
	name = ofAnyLife(name)
	if _, twice := all[name]; twice {
		name += " (another)"
	}
	text, err := yaml.Marshal(content)
	require.NoError(t, err)
	all[name] = ofAnyLife(string(text))
}

// declared is what was declared; of signed evidence what it states, once its signature was verified.
func (w *world) declared(t *testing.T, o *unstructured.Unstructured) map[string]any {
	t.Helper()
	content := normalised(o.Object)
	if o.GetLabels()[naming.LabelEvidence] == "" {
		return content
	}
	document, _, err := unstructured.NestedString(content, "data", "certificate.json")
	require.NoError(t, err)
	text, err := evidence.Read([]byte(document), w.evidenceKeys(t)...)
	require.NoError(t, err, o.GetName())
	var statement map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &statement))
	content["data"] = withoutTimes(statement)
	unstructured.RemoveNestedField(content, "metadata", "annotations", naming.AnnotationHash)
	return content
}

// normalised is what was declared, without what the servers count.
func normalised(o map[string]any) map[string]any {
	delete(o, "status")
	if metadata, ok := o["metadata"].(map[string]any); ok {
		for _, counted := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
			delete(metadata, counted)
		}
		metadata["annotations"] = withoutTimes(metadata["annotations"])
	}
	if spec, ok := o["spec"].(map[string]any); ok {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	return o
}

// timeless is what was declared and the status, in which each time is only one, and however long something took.
func timeless(o map[string]any) map[string]any {
	status := o["status"]
	o = normalised(o)
	o["status"] = withoutTimes(status)
	return o
}

func withoutTimes(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = withoutTimes(value[key])
		}
		for _, measured := range []string{"milliseconds", "measuredRTOSeconds", "measuredRPOSeconds", "rtoSeconds", "rpoSeconds"} {
			if _, ok := value[measured]; ok {
				value[measured] = "a while"
			}
		}
	case []any:
		for i := range value {
			value[i] = withoutTimes(value[i])
		}
	case string:
		if _, err := time.Parse(time.RFC3339, value); err == nil {
			return "a time"
		}
	}
	return value
}

// ofAnyLife is a text with other words for what is made of a time or a UID, and for digests of that: they differ from life to life.
func ofAnyLife(text string) string {
	was := text
	for _, made := range madeAnew {
		text = made.pattern.ReplaceAllString(text, made.as)
	}
	if text != was {
		text = digest.ReplaceAllString(text, "a digest")
	}
	return text
}

var madeAnew = []struct {
	pattern *regexp.Regexp
	as      string
}{
	// The name of a repository ends in its key's birth.
	{regexp.MustCompile(`\b(crm-[a-z-]+/)\d+\b`), "${1}TIME"},
	{regexp.MustCompile(`\b(` + nightly + `-drill-)\d{12}\b`), "${1}TIME"},
	{regexp.MustCompile(`(drill:\s+schedule: )\d+ \d+ \d+ \d+ \*`), "${1}TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UID"},
	{regexp.MustCompile(`\b((destroyed-[a-z-]+|` + mortalName + `-final|backup|restore|drop)-)[0-9a-f]{10}\b`), "${1}UID"},
	{regexp.MustCompile(`\bname: "?[0-9a-f]{10}\b"?`), "name: UID"}, // Of a run.
	{regexp.MustCompile(`\b((older|newer|` + mortalName + `-final-UID)-)[0-9a-f]{8}\b`), "${1}UID"},
}

var digest = regexp.MustCompile(`\b[0-9a-f]{16,64}\b`)

// inVault adds the tenant's keys, roles and secrets.
func (w *world) inVault(t *testing.T, tenant string, all map[string]string) {
	t.Helper()
	l := w.Layout
	for _, key := range w.vaultList(t, l.TransitMount()+"/keys", tenant) {
		content := w.vaultRead(t, l.TransitPath("keys", key))
		for _, varies := range []string{"keys", "latest_version_time", "name"} {
			delete(content, varies)
		}
		put(t, all, "key "+key, content)
	}
	for _, role := range w.vaultList(t, l.PKIRolesPath(), tenant) {
		put(t, all, "certificate role "+role, w.vaultRead(t, l.PKIRolePath(role)))
	}
	for _, role := range w.vaultList(t, "auth/"+l.AuthMount+"/role", tenant) {
		put(t, all, "login "+role, w.vaultRead(t, l.AuthRolePath(role)))
	}
	for _, environment := range w.vaultList(t, l.KVMount()+"/metadata", tenant) {
		for _, secret := range w.vaultList(t, l.KVMount()+"/metadata/"+strings.TrimSuffix(environment, "/"), "") {
			path := strings.TrimSuffix(environment, "/") + "/" + secret
			put(t, all, "secret "+path, map[string]any{
				"version": w.vaultRead(t, l.KVMetadataPath(path))["current_version"], "wrappedBy": w.wrappedBy(t, path),
			})
		}
	}
}

// wrappedBy is the version of the key that wraps a data key: "vault:v3".
func (w *world) wrappedBy(t *testing.T, path string) string {
	t.Helper()
	data, _ := w.vaultRead(t, w.Layout.KVDataPath(path))["data"].(map[string]any)
	ciphertext, _ := data["ciphertext"].(string)
	return strings.Join(strings.SplitN(ciphertext, ":", 3)[:min(2, strings.Count(ciphertext, ":")+1)], ":")
}

// evidenceKeys are the public keys of the tenant's environments, those that are gone included.
func (w *world) evidenceKeys(t *testing.T) []ed25519.PublicKey {
	t.Helper()
	var trusted []ed25519.PublicKey
	for _, name := range w.vaultList(t, w.Layout.TransitMount()+"/keys", mortal) {
		versions, _ := w.vaultRead(t, w.Layout.TransitPath("keys", name))["keys"].(map[string]any)
		for _, version := range versions {
			if fields, ok := version.(map[string]any); ok {
				key, err := base64.StdEncoding.DecodeString(fmt.Sprint(fields["public_key"]))
				require.NoError(t, err)
				trusted = append(trusted, key)
			}
		}
	}
	return trusted
}

// dataKey unwraps an environment's data key, which only a component could, and a test to see that it stays the same.
func (w *world) dataKey(t *testing.T, tenant, name string) string {
	t.Helper()
	l := w.layoutOf(tenant, name)
	stored, _ := w.vaultRead(t, w.Layout.KVDataPath(l.DataKey.Path))["data"].(map[string]any)
	secret, err := w.Vault.Root(t).Logical().WriteWithContext(t.Context(), w.Layout.DecryptPath(l.EncryptionKey.Name), map[string]any{
		"ciphertext": stored["ciphertext"],
	})
	require.NoError(t, err)
	return fmt.Sprint(secret.Data["plaintext"])
}

// vaultList gives the names at a path that are the tenant's; all for no tenant.
func (w *world) vaultList(t *testing.T, path, tenant string) []string {
	t.Helper()
	secret, err := w.Vault.Root(t).Logical().ListWithContext(t.Context(), path)
	require.NoError(t, err)
	if secret == nil {
		return nil
	}
	var names []string
	keys, _ := secret.Data["keys"].([]any)
	for _, key := range keys {
		if name := fmt.Sprint(key); strings.Contains(name, naming.HomeNamespace(tenant)) || tenant == "" {
			names = append(names, name)
		}
	}
	return names
}

func (w *world) vaultRead(t *testing.T, path string) map[string]any {
	t.Helper()
	secret, err := w.Vault.Root(t).Logical().ReadWithContext(t.Context(), path)
	require.NoError(t, err)
	if secret == nil {
		return nil
	}
	return secret.Data
}
