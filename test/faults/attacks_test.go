package faults

import (
	"fmt"
	"strings"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// attack is one request of a tenant's admin.
type attack struct {
	sentence string
	// name of the object; made from the sentence's place in the list when it is empty and so does not matter.
	name string
	// spec of a CRMEnvironment, in YAML's flow style, beside class and purpose.
	spec string
	// yaml is the whole body, instead.
	yaml string
	// kind of the object in the path. Default: crmenvironments.
	kind string
	// namespace in the path. Default: the attacker's home.
	namespace string
	// group and version in the path. Default: apis/crmkeep.io/v1alpha1.
	group string
	// method, when it is no creation; yaml is a JSON merge patch then and name what is patched.
	method string
	// refused is what the answer must hold: the field. Empty when the request is taken.
	refused string
	// comesTo is the summary of the status that an environment must come to.
	comesTo string
}

func (a attack) path() string {
	group, namespace, kind := "apis/crmkeep.io/v1alpha1", naming.HomeNamespace(attacker), "crmenvironments"
	if a.group != "" {
		group = a.group
	}
	if a.namespace != "" {
		namespace = a.namespace
	}
	if a.kind != "" {
		kind = a.kind
	}
	path := "/" + group + "/namespaces/" + namespace + "/" + kind
	if a.kind == "crmtenants" {
		path = "/" + group + "/" + kind
	}
	if a.method != "" {
		return path + "/" + a.name
	}
	return path
}

func (a attack) body() string {
	if a.yaml != "" {
		return a.yaml
	}
	return environmentYAML(a.name, "", a.spec)
}

// environmentYAML declares an environment, with more of the metadata and of the spec.
func environmentYAML(name, metadata, spec string) string {
	if metadata != "" {
		metadata = ", " + metadata
	}
	if spec != "" {
		spec = ", " + spec
	}
	return fmt.Sprintf("apiVersion: crmkeep.io/v1alpha1\nkind: CRMEnvironment\nmetadata: {name: %q%s}\nspec: {classRef: {name: demo}, purpose: Test%s}\n",
		name, metadata, spec)
}

// integration to a range of addresses.
func integration(cidr string) string {
	return fmt.Sprintf("integrations: [{name: mail, cidr: %q, port: 587}]", cidr)
}

// external database.
func external(more string) string { return "database: {external: {" + more + "}}" }

var selfApproval = attack{
	sentence: "an approval of one's own", name: "approval", spec: "approval: {by: mallory@attacker.example, request: '0123456789'}",
	refused: "spec.approval",
}

var attacks = []attack{
	// Names.
	{sentence: "a name that reads as a workload namespace's end", name: "a--b", refused: "metadata.name"},
	{sentence: "a name with another tenant's in it", name: "victim--prod", refused: "metadata.name"},
	{sentence: "a name with a dot, as names in Vault have", name: "prod.web", refused: "metadata.name"},
	{sentence: "a name that no derived name fits", name: strings.Repeat("a", naming.MaxEnvironment+1), refused: "metadata.name"},
	{sentence: "a name that starts with a digit", name: "1prod", refused: "metadata.name"},
	{sentence: "a name in capitals", name: "Prod", refused: "metadata.name"},
	{sentence: "a name with a letter that only looks like one", name: "pr\u043ed", refused: "metadata.name"},
	{sentence: "a name that is written backwards", name: "\u202edorp", refused: "metadata.name"},
	{sentence: "a name that leads up the tree", name: "../victim", refused: "metadata.name"},
	{sentence: "a name that the API server makes up", yaml: environmentYAML("", "generateName: a--", ""), refused: "metadata.name"},
	// Other places.
	{sentence: "an environment in another tenant's home", name: "prod", namespace: "crm-victim", refused: "crmenvironments"},
	{sentence: "an environment in another tenant's workload namespace", name: "prod", namespace: "crm-victim--prod", refused: "crmenvironments"},
	{sentence: "another namespace in the body than in the path", yaml: environmentYAML("prod", "namespace: crm-victim", ""), refused: "namespace"},
	{sentence: "a tenant of one's own making", kind: "crmtenants", yaml: "apiVersion: crmkeep.io/v1alpha1\nkind: CRMTenant\nmetadata: {name: more}\n", refused: "crmtenants"},
	{sentence: "a forged certificate of destruction", group: "api/v1", kind: "configmaps", yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: destroyed-prod-0123456789, labels: {crmkeep.io/evidence: destruction}}\n", refused: "configmaps"},
	{sentence: "a role in one's own home", group: "apis/rbac.authorization.k8s.io/v1", kind: "rolebindings", yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: more}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n", refused: "rolebindings"},
	{sentence: "a pod in one's own home", group: "api/v1", kind: "pods", yaml: "apiVersion: v1\nkind: Pod\nmetadata: {name: more}\nspec: {containers: [{name: a, image: a}]}\n", refused: "pods"},
	// Host names.
	{sentence: "another tenant's host name", name: "host-taken", spec: "hostname: crm.victim.example", comesTo: "Reconciling HostnameTaken"},
	{sentence: "the host name of another tenant's database", name: "host-svc", spec: "hostname: database.crm-victim--prod.svc", comesTo: "Stalled HostnameForbidden"},
	{sentence: "the same in full", name: "host-local", spec: "hostname: web.crm-victim--prod.svc.cluster.local", comesTo: "Stalled HostnameForbidden"},
	{sentence: "a host name that reads as a certificate's", name: "host-cn", spec: "hostname: victim.prod.database.k", refused: "spec.hostname"},
	{sentence: "all host names", name: "host-all", spec: "hostname: '*.example'", refused: "spec.hostname"},
	{sentence: "a host name with a line of its own", name: "host-line", spec: `hostname: "crm.example\nproxy_pass http://victim"`, refused: "spec.hostname"},
	{sentence: "a host name in other letters", name: "host-uni", spec: "hostname: crm.exämple.test", refused: "spec.hostname"},
	{sentence: "a host name that ends in a dot", name: "host-dot", spec: "hostname: crm.victim.example.", refused: "spec.hostname"},
	{sentence: "a host name with a binding in it", name: "host-bind", spec: "hostname: '${key.hex}.example'", refused: "spec.hostname"},
	{sentence: "an address as a host name", name: "host-ip", spec: "hostname: 10.0.0.10", refused: "spec.hostname"},
	// Addresses.
	{sentence: "an integration with everything", name: "cidr-all", spec: integration("0.0.0.0/0"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with everything else", name: "cidr-all6", spec: integration("::/0"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with half of everything", name: "cidr-half", spec: integration("128.0.0.0/1"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with the cloud's metadata", name: "cidr-meta", spec: integration("169.254.169.254/32"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with a range around the cloud's metadata", name: "cidr-around", spec: integration("169.0.0.0/8"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with the node itself", name: "cidr-loop", spec: integration("127.0.0.1/32"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with an address written in the other form", name: "cidr-mapped", spec: integration("::ffff:169.254.169.254/128"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with a number in octal", name: "cidr-octal", spec: integration("0251.0376.0251.0376/32"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with bits beyond the mask", name: "cidr-bits", spec: integration("10.1.2.3/8"), refused: "spec.integrations[0].cidr"},
	{sentence: "an integration with a port that there is not", name: "port", spec: "integrations: [{name: mail, cidr: 192.0.2.0/24, port: 70000}]", refused: "spec.integrations[0].port"},
	{sentence: "one integration twice", name: "twice", spec: "integrations: [{name: a, cidr: 192.0.2.0/24, port: 1}, {name: a, cidr: 192.0.2.0/24, port: 2}]", refused: "spec.integrations[1]"},
	{sentence: "an integration with the pods of others, who let nobody in", name: "cidr-pods", spec: integration("10.0.0.0/8"), comesTo: "True Succeeded"},
	{sentence: "an external database at the cloud's metadata", name: "db-meta", spec: external("host: a.example, cidr: 169.254.169.254/32"), refused: "spec.database.external.cidr"},
	{sentence: "an external database and CloudNativePG", name: "db-both", spec: "database: {external: {host: a.example, cidr: 192.0.2.0/28}, cloudNativePG: {instances: 1}}", refused: "spec.database"},
	{sentence: "an external database whose host is a command", name: "db-host", spec: external(`host: "a.example;id", cidr: 192.0.2.0/28`), refused: "spec.database.external.host"},
	{sentence: "a private key among the CAs", name: "db-key", spec: external(`host: a.example, cidr: 192.0.2.0/28, caBundle: "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"`), refused: "spec.database.external.caBundle"},
	// Size.
	{sentence: "a list without end", name: "list", spec: "integrations: [" + strings.Repeat("{name: a, cidr: 192.0.2.0/24, port: 1},", 20000) + "]", refused: "spec.integrations"},
	{sentence: "a document that grows as it is read", yaml: bomb(), refused: "excessive aliasing"},
	{sentence: "a text without end", name: "text", spec: "version: " + strings.Repeat("a", 100000), refused: "spec.version"},
	{sentence: "less than nothing, to make room for others", name: "size-less", spec: "resources: {database: {resources: {cpu: '-100'}}}", comesTo: "Stalled Invalid"},
	{sentence: "no volume at all", name: "size-none", spec: "resources: {database: {storage: '0'}}", comesTo: "Stalled Invalid"},
	{sentence: "a component that crmkeep adds", name: "size-of", spec: "resources: {components: [{name: database, replicas: 9}]}", comesTo: "True Succeeded"},
	{sentence: "a time to live of less than nothing", name: "ttl", spec: "ttlSeconds: -1", refused: "spec.ttlSeconds"},
	{sentence: "a hold of less than nothing", name: "hold", spec: "deletionPolicy: Shred, shred: {holdSeconds: -1}", refused: "spec.shred.holdSeconds"},
	// YAML and fields.
	{sentence: "a field that is there twice", yaml: environmentYAML("fields-twice", "", "") + "spec: {classRef: {name: other}, purpose: Production}\n", refused: "spec"},
	{sentence: "a field that there is not", name: "fields", spec: "vaultPath: crmkeep-kv/data/crm-victim--prod/data-key", refused: "vaultPath"},
	{sentence: "anchors, which are only another way to write", yaml: environmentYAML("anchors", "labels: {a: &a b}, annotations: {c: *a}", ""), comesTo: "True Succeeded", name: "anchors"},
	{sentence: "a version with a binding in it", name: "version", spec: "version: '${key.hex}'", comesTo: "Stalled VersionUnknown"},
	{sentence: "a class that leads up the tree", yaml: strings.Replace(environmentYAML("class", "", ""), "{name: demo}", "{name: ../demo}", 1), refused: "spec.classRef.name"},
	{sentence: "another tenant's backup as the source", name: "source", spec: "source: {backupRef: {name: ../crm-victim/nightly}}", refused: "spec.source.backupRef.name"},
	// What belongs to the system.
	{sentence: "labels of the system", yaml: environmentYAML("labels", "labels: {app.kubernetes.io/managed-by: crmkeep, crmkeep.io/tenant: victim, crmkeep.io/environment: prod}", ""), name: "labels", comesTo: "True Succeeded"},
	{sentence: "a status that speaks of another tenant's namespace", yaml: environmentYAML("status", "", "") + "status: {namespace: crm-victim--prod, version: '2.0', url: 'https://crm.victim.example'}\n", name: "status", comesTo: "True Succeeded"},
	{sentence: "a status that is written afterwards", method: "PATCH", name: "status/status", yaml: `{"status":{"namespace":"crm-victim--prod"}}`, refused: "crmenvironments/status"},
	{sentence: "an owner that there is not, which takes one's own environment along", yaml: environmentYAML("owner", "ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: a, uid: a, blockOwnerDeletion: true}]", "")},
	selfApproval,
	// Other kinds.
	{sentence: "a policy for another tenant's environment", kind: "crmrolepolicies", yaml: "apiVersion: crmkeep.io/v1alpha1\nkind: CRMRolePolicy\nmetadata: {name: a}\nspec: {environments: [../crm-victim/prod], roles: [{name: a}]}\n", refused: "spec.environments[0]"},
	{sentence: "a backup of another tenant's environment", kind: "crmbackups", yaml: "apiVersion: crmkeep.io/v1alpha1\nkind: CRMBackup\nmetadata: {name: a}\nspec: {environmentRef: {name: crm-victim/prod}, locations: [east]}\n", refused: "spec.environmentRef.name"},
	{sentence: "a backup into another bucket's prefix", kind: "crmbackups", yaml: "apiVersion: crmkeep.io/v1alpha1\nkind: CRMBackup\nmetadata: {name: b}\nspec: {environmentRef: {name: prod}, locations: [../victim]}\n", refused: "spec.locations[0]"},
	{sentence: "a restore of another tenant's backup", kind: "crmrestores", yaml: "apiVersion: crmkeep.io/v1alpha1\nkind: CRMRestore\nmetadata: {name: a}\nspec: {from: {backupRef: {name: crm-victim/nightly}}, to: {environmentRef: {name: prod}}}\n", refused: "spec.from.backupRef.name"},
}

// bomb is a document whose anchors stand for a billion words.
func bomb() string {
	var out strings.Builder
	out.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&out, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return out.String() + "apiVersion: crmkeep.io/v1alpha1\nkind: CRMEnvironment\n"
}
