// Package naming holds every name, label, finalizer and field owner that crmkeep gives, so that no two places can disagree
// and the length of each is tested in one.
package naming

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Group is the API group of all kinds.
const Group = "crmkeep.io"

const (
	// FieldOwner is the one server-side apply owner of everything that the manager writes.
	FieldOwner = "crmkeep"

	// LabelManagedBy marks what the manager made; its caches hold nothing without it.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "crmkeep"
	// LabelTenant names the CRMTenant that an object belongs to.
	LabelTenant = Group + "/tenant"
	// LabelEnvironment names the CRMEnvironment that an object belongs to.
	LabelEnvironment = Group + "/environment"
	// LabelComponent names the component of a pod and of what exists for it alone.
	LabelComponent = Group + "/component"
	// LabelNamespace tells a home namespace from a workload namespace.
	LabelNamespace = Group + "/namespace"
	// LabelEvidence marks what must outlive everything else, such as a certificate of destruction.
	LabelEvidence = Group + "/evidence"
	// AnnotationHash is a digest of what was declared when an object was last applied.
	AnnotationHash = Group + "/declared-hash"
	// AnnotationConfigHash on a pod template is a digest of the configuration that its pods read.
	AnnotationConfigHash = Group + "/config-hash"

	// FinalizerEnvironment holds a CRMEnvironment until its teardown is done.
	FinalizerEnvironment = Group + "/teardown"
	// FinalizerTenant holds a CRMTenant until its environments are gone.
	FinalizerTenant = Group + "/environments"
)

// Values of LabelNamespace.
const (
	NamespaceHome     = "home"
	NamespaceWorkload = "workload"
)

// Names of what crmkeep adds to the components of a class. A class cannot use them.
const (
	ComponentDatabase = "database"
	ComponentMigrate  = "migrate"
	ComponentBackup   = "backup"
	ComponentRestore  = "restore"
	ComponentGateway  = "gateway"
)

// IsReserved tells whether a component is one that crmkeep adds, and not a class's.
func IsReserved(component string) bool {
	switch component {
	case ComponentDatabase, ComponentMigrate, ComponentBackup, ComponentRestore, ComponentGateway:
		return true
	}
	return false
}

// Longest allowed names, in characters. With them every derived name fits its limit: 63 for a label value and a namespace, and
// 64 for the common name of a certificate.
const (
	MaxTenant      = 24
	MaxEnvironment = 20
	MaxComponent   = 16
)

const (
	homePrefix = "crm-"
	separator  = "--"
)

// HomeNamespace is where a tenant's admins write the namespaced kinds.
func HomeNamespace(tenant string) string { return homePrefix + tenant }

// TenantOfHome gives the tenant whose home namespace would have this name.
func TenantOfHome(namespace string) (tenant string, ok bool) {
	tenant, ok = strings.CutPrefix(namespace, homePrefix)
	return tenant, ok && tenant != "" && !strings.Contains(tenant, separator)
}

// WorkloadNamespace is where an environment's pods, volumes and jobs live. Neither name may contain "--", so no two pairs share one.
func WorkloadNamespace(tenant, environment string) string {
	return homePrefix + tenant + separator + environment
}

// certificateLabel ends every common name. A host name of an environment cannot end in a label of one letter, so nobody can have
// one that reads as the common name of another tenant's component.
const certificateLabel = ".k"

// CommonName is the common name of a component's certificates, at most 64 characters. Names contain no dot, so no two components
// share one.
func CommonName(tenant, environment, component string) string {
	return tenant + "." + environment + "." + component + certificateLabel
}

// ServiceHost is the DNS name of a component's Service, as certificates carry it.
func ServiceHost(component, namespace string) string { return component + "." + namespace + ".svc" }

// URL that people open.
func URL(host string) string { return "https://" + host }

// AgentConfig is the name of the ConfigMap that a component's agent reads.
func AgentConfig(component string) string { return "agent-" + component }

// VersionRecord is the name of the ConfigMap that remembers the version that the database is at, for as long as the database exists.
const VersionRecord = "database-version"

// MigrationJob is the name of the Job that takes the database to a version.
func MigrationJob(version string) string { return ComponentMigrate + "-" + Hash(version) }

// Volume is the name of the claim behind a class's volume.
func Volume(name string) string { return "data-" + name }

// Hash is a short digest for names, 10 hexadecimal characters.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:10]
}
