// Package naming holds every name, label, finalizer and field owner that crmkeep gives, so that no two places can disagree
// and the length of each is tested in one.
package naming

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
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
	// LabelRun names the run of a backup, a restore or the care of a repository that an object exists for. The run's controller removes
	// it; the environment's leaves it alone.
	LabelRun = Group + "/run"
	// LabelEvidence marks what must outlive everything else, such as a certificate of destruction.
	LabelEvidence = Group + "/evidence"
	// LabelRunOf says what a run is for, as RunOf gives it.
	LabelRunOf = Group + "/run-of"
	// LabelSchedule names the CRMBackupSchedule that a CRMBackup, or what belongs to a drill, was made by.
	LabelSchedule = Group + "/schedule"
	// LabelFinalOf of a CRMBackup is the UID of the CRMEnvironment whose deletion waits for it.
	LabelFinalOf = Group + "/final-of"
	// AnnotationScheduledAt is the time, in RFC 3339, that a CRMBackup was due at.
	AnnotationScheduledAt = Group + "/scheduled-at"
	// AnnotationProvenAt is the time, in RFC 3339, that a drill has restored a CRMBackup at.
	AnnotationProvenAt = Group + "/proven-at"
	// AnnotationForgottenAt is the time, in RFC 3339, at which the repositories had forgotten what a CRMBackup that failed had left in them.
	AnnotationForgottenAt = Group + "/forgotten-at"
	// LabelRestore names the CRMRestore that a CRMEnvironment was made by.
	LabelRestore = Group + "/restore"
	// AnnotationLocations of a run's Job are the locations that it reads or writes, separated by commas.
	AnnotationLocations = Group + "/locations"
	// AnnotationVersion of a run's Job is the product's version that it is about.
	AnnotationVersion = Group + "/version"
	// AnnotationRepository of a run's Job is the place in each location that it is about.
	AnnotationRepository = Group + "/repository"
	// AnnotationForget of a Job that cares for repositories names the CRMBackups that it forgets, separated by commas.
	AnnotationForget = Group + "/forget"
	// AnnotationReview of a CRMEnvironment asks to look at its CRM's accounts now, and to keep the signed list. Each new value asks again; it is best
	// the time in RFC 3339.
	AnnotationReview = Group + "/review"
	// AnnotationHash is a digest of what was declared when an object was last applied.
	AnnotationHash = Group + "/declared-hash"
	// AnnotationConfigHash on a pod template is a digest of the configuration that its pods read.
	AnnotationConfigHash = Group + "/config-hash"

	// FinalizerEnvironment holds a CRMEnvironment until its teardown is done.
	FinalizerEnvironment = Group + "/teardown"
	// FinalizerRun holds a CRMBackup, a CRMBackupSchedule or a CRMRestore until nothing runs for it any more.
	FinalizerRun = Group + "/run"
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
	// ComponentCheck proves that what a drill has restored works.
	ComponentCheck   = "check"
	ComponentGateway = "gateway"
	// ComponentPull shows that a new version's image can be started.
	ComponentPull = "pull"
)

// IsReserved tells whether a component is one that crmkeep adds, and not a class's.
func IsReserved(component string) bool {
	switch component {
	case ComponentDatabase, ComponentMigrate, ComponentBackup, ComponentRestore, ComponentCheck, ComponentGateway, ComponentPull:
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

// AcceptedRecord is the name of the ConfigMap with the declaration that was let in last.
const AcceptedRecord = "accepted"

// MigrationJob is the name of the Job that takes the database to a version.
func MigrationJob(version string) string { return ComponentMigrate + "-" + Hash(version) }

// PullJob is the name of the Job that shows that an image can be started.
func PullJob(image string) string { return ComponentPull + "-" + Hash(image) }

// Kinds of runs.
const (
	RunBackup  = "backup"
	RunRestore = "restore"
	// RunDrop removes what a restore has replaced.
	RunDrop = "drop"
	// RunUndo brings back what a restore that did not end has replaced.
	RunUndo = "undo"
	// RunCare forgets old backups and reads repositories back.
	RunCare = "care"
	// RunCheck proves in a drill's environment that it works.
	RunCheck = "check"
)

// Run is the name of the Job of a run and of what exists for it alone. The key is what makes it one of its own, such as a UID: the same
// key gives the same Job, so that no interruption makes two.
func Run(kind, key string) string { return kind + "-" + Hash(key) }

// RunOf says, in a label, which CRMBackup, CRMBackupSchedule or CRMRestore a run of that kind is for. Names contain no dot.
func RunOf(kind, name string) string { return kind + "." + name }

// BackupID is the name of a backup in its repository: of two CRMBackups of one name, too, each has its own.
func BackupID(name, uid string) string { return name + "-" + uid[:min(len(uid), backupUID)] }

// backupUID is how much of a UID tells backups of one name apart.
const backupUID = 8

// SourceRestore is the name of the CRMRestore that fills an environment.
func SourceRestore(environment string) string { return environment + "-source" }

// ScheduledBackup is the name of the CRMBackup that a schedule makes for a minute, such as "202611210300".
func ScheduledBackup(schedule, minute string) string { return schedule + "-" + minute }

// Drill is the name of the CRMRestore that proves a schedule's backups, and of its signed result, for a minute. A long name of a schedule
// is shortened, so that the whole fits a CRMRestore's 52 characters.
func Drill(schedule, minute string) string {
	const longest = 33
	if len(schedule) > longest {
		schedule = schedule[:22] + "-" + Hash(schedule)
	}
	return schedule + "-drill-" + minute
}

// DrillEnvironment is the name of the environment that a schedule's drills restore into.
func DrillEnvironment(schedule string) string { return "drill-" + Hash(schedule) }

// Invitation is the name in Vault of a person's first password. It tells no login to whoever may list names or reads Vault's audit log.
func Invitation(login string) string {
	sum := sha256.Sum256([]byte(login))
	return hex.EncodeToString(sum[:])[:32]
}

// Review is the ConfigMap with the newest signed review of an environment's accounts, in the tenant's home namespace.
func Review(environment string) string { return environment + "-review" }

// FinalBackup is the name of the CRMBackup that is made in an attempt, counted from 1, to back an environment up that is deleted.
func FinalBackup(environment, uid string, attempt int) string {
	name := environment + "-final-" + Hash(uid)
	if attempt > 1 {
		name += "-" + strconv.Itoa(attempt)
	}
	return name
}

// BackupRole is the role in Postgres that reads all of a database and writes nothing.
func BackupRole(database string) string { return database + "_backup" }

// RestoreRole is the role in Postgres that puts a backup into a database's place.
func RestoreRole(database string) string { return database + "_restore" }

// LoadedDatabase is the name of the database that a restore loads, until it is put into the place of the present one.
func LoadedDatabase(database string) string { return database + "_new" }

// ReplacedDatabase is the name that a restore keeps the present database under, until it is confirmed.
func ReplacedDatabase(database, restore string) string { return database + "_before_" + Hash(restore) }

// Volume is the name of the claim behind a class's volume.
func Volume(name string) string { return "data-" + name }

// Hash is a short digest for names, 10 hexadecimal characters.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:10]
}
