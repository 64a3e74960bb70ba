package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CRMEnvironment is one running CRM of a tenant. Its name and its tenant make the name of its workload namespace.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=crme,categories=crm
// +kubebuilder:printcolumn:name="Class",type=string,JSONPath=`.spec.classRef.name`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Last Proven",type=date,JSONPath=`.status.lastProven`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 20",message="metadata.name: at most 20 characters, so that every name made from it fits"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$') && !self.metadata.name.contains('--')",message="metadata.name: lower-case letters, digits and single dashes only, starting with a letter"
type CRMEnvironment struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object. The name cannot contain dots or "--".
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what the tenant's admin declares.
	// +required
	Spec CRMEnvironmentSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMEnvironmentStatus `json:"status,omitzero"`
}

// CRMEnvironmentSpec declares a running CRM. What is left out has a safe meaning given by the class or the tenant.
// +kubebuilder:validation:XValidation:rule="!has(self.ttlSeconds) || self.purpose in ['Sandbox', 'Drill']",message="ttlSeconds: only for purpose Sandbox; remove it or change the purpose"
// +kubebuilder:validation:XValidation:rule="self.purpose != 'Drill' || !has(self.hostname) && !has(self.integrations) && has(self.source)",message="purpose: a Drill has a source, and neither hostname nor integrations"
// +kubebuilder:validation:XValidation:rule="has(self.source) == has(oldSelf.source)",message="source: cannot be added or removed; make a new environment"
// +kubebuilder:validation:XValidation:rule="(has(self.database) && has(self.database.external)) == (has(oldSelf.database) && has(oldSelf.database.external))",message="database.external: cannot be added or removed: the data would stay behind in the other database; make a new environment with a backup of this one as its source"
// +kubebuilder:validation:XValidation:rule="!has(self.shred) || (has(self.deletionPolicy) && self.deletionPolicy == 'Shred')",message="shred: only with deletionPolicy Shred"
type CRMEnvironmentSpec struct {
	// classRef names the CRMClass. It cannot be changed.
	// +required
	// +kubebuilder:validation:XValidation:rule="self.name == oldSelf.name",message="cannot be changed: data of one product is of no use to another; make a new environment"
	ClassRef ClassReference `json:"classRef,omitzero"`
	// version of the class to run. Unset: the class's default when the environment is made, and from then on the version it has.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Version string `json:"version,omitempty"`
	// purpose of the environment. It cannot be changed: what is safe follows from it.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: what is safe by default follows from it; make a new environment"
	Purpose Purpose `json:"purpose"`
	// size is a preset of the class. Unset: the first that the class lists.
	// +optional
	Size SizeName `json:"size,omitempty"`
	// resources override single values of the size.
	// +optional
	Resources *EnvironmentResources `json:"resources,omitempty"`
	// hostname that people open. No two environments can have the same. Unset: reachable in the cluster only.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`
	// +kubebuilder:validation:XValidation:rule="!self.matches('[.][a-z0-9]$')",message="the last label must have at least two characters: names that end in one letter are those of certificates"
	// +kubebuilder:validation:XValidation:rule="!self.matches('[.][0-9]+$')",message="the last label cannot be a number: an address is no host name"
	Hostname string `json:"hostname,omitempty"`
	// state to hold. Unset: Running.
	// +optional
	State EnvironmentState `json:"state,omitempty"`
	// ttlSeconds is how long a sandbox lives, from its creation; then it is deleted.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	TTLSeconds *int64 `json:"ttlSeconds,omitempty"`
	// deletionPolicy says what becomes of the data when the environment is deleted. Unset: Retain for Production, else Delete.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
	// shred says how data is made unreadable.
	// +optional
	Shred *ShredSpec `json:"shred,omitempty"`
	// finalBackup is made when the environment is deleted, before anything is taken apart. The deletion waits until it is complete in every
	// location; remove the field to go on without it. Unset: none.
	// +optional
	FinalBackup *FinalBackup `json:"finalBackup,omitempty"`
	// database says where the data lives. Unset: one PostgreSQL instance in the environment's namespace. Whether it is external cannot be
	// changed.
	// +optional
	Database *EnvironmentDatabase `json:"database,omitempty"`
	// encryption overrides the installation's settings.
	// +optional
	Encryption *EnvironmentEncryption `json:"encryption,omitempty"`
	// integrations are the only addresses outside that the application may reach.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Integrations []Integration `json:"integrations,omitempty"`
	// source fills a new environment. Unset: it starts empty. It cannot be changed.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: it was used when the environment was made; make a new environment"
	Source *EnvironmentSource `json:"source,omitempty"`
	// approval is set by somebody with the verb "approve", when the tenant asks for it.
	// +optional
	Approval *Approval `json:"approval,omitempty"`
	// breakGlass lets the CRM's own administrator log in although role policies hold, for a while. It is set by somebody with the verb
	// "breakglass". Unset: as the role policies say.
	// +optional
	BreakGlass *BreakGlass `json:"breakGlass,omitempty"`
}

// EnvironmentState says what runs and who gets in.
// +kubebuilder:validation:Enum=Running;Suspended;Quarantined
type EnvironmentState string

// States of an environment.
const (
	// StateRunning runs and lets people in.
	StateRunning EnvironmentState = "Running"
	// StateSuspended runs nothing and keeps the data.
	StateSuspended EnvironmentState = "Suspended"
	// StateQuarantined cuts people and integrations off, and keeps data and backups reachable.
	StateQuarantined EnvironmentState = "Quarantined"
)

// DeletionPolicy says what becomes of the data of a deleted environment.
// +kubebuilder:validation:Enum=Retain;Delete;Shred
type DeletionPolicy string

// Deletion policies.
const (
	// DeletionRetain stops the workload; data, keys and backups stay, and a new environment of the name takes them up.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionDelete deletes the workload and its volumes; keys stay, so that backups remain readable.
	DeletionDelete DeletionPolicy = "Delete"
	// DeletionShred deletes the workload and its volumes and destroys the key, so that no copy can be read, backups included.
	DeletionShred DeletionPolicy = "Shred"
)

// ShredSpec says how data is made unreadable.
type ShredSpec struct {
	// holdSeconds is how long to wait after the deletion was asked for, before the key is destroyed. Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=31536000
	HoldSeconds *int64 `json:"holdSeconds,omitempty"`
}

// FinalBackup is made when an environment is deleted.
type FinalBackup struct {
	// locations that it is written to.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Locations []string `json:"locations"`
}

// EnvironmentResources override single values of the size.
type EnvironmentResources struct {
	// components to override.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Components []ComponentSize `json:"components,omitempty"`
	// database to override.
	// +optional
	Database *DatabaseSize `json:"database,omitempty"`
	// volumes to override.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Volumes []VolumeSize `json:"volumes,omitempty"`
}

// EnvironmentDatabase says where the data lives. Exactly one member is set.
// +kubebuilder:validation:ExactlyOneOf=cloudNativePG;external
type EnvironmentDatabase struct {
	// cloudNativePG hands the database to CloudNativePG, for replicas and failover.
	// +optional
	CloudNativePG *CloudNativePGDatabase `json:"cloudNativePG,omitempty"`
	// external is a PostgreSQL server that trusts the installation's CA for client certificates.
	// +optional
	External *ExternalDatabase `json:"external,omitempty"`
}

// CloudNativePGDatabase hands the database to CloudNativePG.
type CloudNativePGDatabase struct {
	// instances of the cluster.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	Instances int32 `json:"instances"`
}

// ExternalDatabase is a PostgreSQL server outside. The role of the class's database name must map to the environment's certificates.
type ExternalDatabase struct {
	// host of the server; its certificate must carry this name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Host string `json:"host"`
	// port of the server. Default: 5432.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`
	// cidr that the host's addresses are in, for the network rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=50
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).prefixLength() >= 8 && cidr(self).masked() == cidr(self)",message="must be an address range such as 203.0.113.0/28, of /8 or smaller"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || ['127.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '::1/128', 'fe80::/10', 'fd00:ec2::254/128'].all(r, !cidr(r).containsCIDR(self) && !cidr(self).containsCIDR(r))",message="must not hold loopback, link-local or cloud metadata addresses: what answers there speaks for the node"
	CIDR string `json:"cidr"`
	// caBundle that the server's certificate must chain to, PEM. It is for this server only, and replaces the installation's CA there.
	// Unset: the installation's CA.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	// +kubebuilder:validation:XValidation:rule="self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY-----')",message="must be PEM certificates, and never a private key"
	CABundle string `json:"caBundle,omitempty"`
}

// EnvironmentEncryption overrides the installation's settings.
type EnvironmentEncryption struct {
	// keyRotationDays is how often the environment's key gets a new version. Default: the installation's, 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=365
	KeyRotationDays *int32 `json:"keyRotationDays,omitempty"`
	// certificateTTLSeconds is how long a certificate lives. Default: the installation's, 14400.
	// +optional
	// +kubebuilder:validation:Minimum=300
	// +kubebuilder:validation:Maximum=86400
	CertificateTTLSeconds *int64 `json:"certificateTTLSeconds,omitempty"`
}

// Integration is an address outside that the application may reach.
type Integration struct {
	// name of the integration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name"`
	// cidr of the addresses.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=50
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).prefixLength() >= 8 && cidr(self).masked() == cidr(self)",message="must be an address range such as 203.0.113.0/28, of /8 or smaller"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || ['127.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '::1/128', 'fe80::/10', 'fd00:ec2::254/128'].all(r, !cidr(r).containsCIDR(self) && !cidr(self).containsCIDR(r))",message="must not hold loopback, link-local or cloud metadata addresses: what answers there speaks for the node"
	CIDR string `json:"cidr"`
	// port of the service, TCP.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port"`
	// reason why the application needs it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Reason string `json:"reason,omitempty"`
}

// Login is the name that a person logs in to the CRM with.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=100
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9][A-Za-z0-9._@+-]*$`
type Login string

// EnvironmentSource fills a new environment. Exactly one of backupRef and environmentRef is set. Unless the new environment's purpose is
// Production, the class's neutralise command runs before anything else does: no mail, no integrations, nobody can log in.
// +kubebuilder:validation:ExactlyOneOf=backupRef;environmentRef
type EnvironmentSource struct {
	// backupRef names a CRMBackup of the same tenant.
	// +optional
	BackupRef *LocalReference `json:"backupRef,omitempty"`
	// environmentRef names another CRMEnvironment of the same tenant, whose newest backup is used.
	// +optional
	EnvironmentRef *LocalReference `json:"environmentRef,omitempty"`
	// keepLogins are the people who can still log in to the copy, besides its administrator. Unset: nobody.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	KeepLogins []Login `json:"keepLogins,omitempty"`
}

// Approval is somebody's consent to a request.
type Approval struct {
	// by is the user name of the approver: the user who writes this field.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	By string `json:"by"`
	// request is the digest of what is approved, from status.approval.request. What is asked for later needs a new approval.
	// +required
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]+$`
	Request string `json:"request"`
	// reason of the approval.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	Reason string `json:"reason,omitempty"`
}

// CRMEnvironmentStatus is what was seen of an environment.
type CRMEnvironmentStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled, Approved, NamespaceReady, KeysReady, NetworkIsolated, DatabaseReady, Filled, Migrated,
	// WorkloadReady, RolesEnforced, BackupHealthy.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=32
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// state that the environment is in.
	// +optional
	State EnvironmentState `json:"state,omitempty"`
	// version that the database is at. Empty until the first migration is done.
	// +optional
	// +kubebuilder:validation:MaxLength=40
	Version string `json:"version,omitempty"`
	// targetVersion is the version that is wanted, fixed when the environment was first seen.
	// +optional
	// +kubebuilder:validation:MaxLength=40
	TargetVersion string `json:"targetVersion,omitempty"`
	// namespace of the workload.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// url that people open.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	URL string `json:"url,omitempty"`
	// encryption is the state of the environment's keys.
	// +optional
	Encryption *EncryptionStatus `json:"encryption,omitempty"`
	// approval is what is asked for.
	// +optional
	Approval *ApprovalStatus `json:"approval,omitempty"`
	// components that run.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Components []ComponentStatus `json:"components,omitempty"`
	// expiresAt is when a sandbox is deleted.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
	// lastProven is when a backup was last proven to restore.
	// +optional
	LastProven *metav1.Time `json:"lastProven,omitempty"`
	// source is the backup that the environment was filled with. Unset: it started empty, or is not filled yet.
	// +optional
	Source *EnvironmentSourceStatus `json:"source,omitempty"`
	// finalBackup names the CRMBackup that was made when the environment was deleted.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	FinalBackup string `json:"finalBackup,omitempty"`
	// access says what of the role policies holds. Unset: no policy ever did.
	// +optional
	Access *AccessStatus `json:"access,omitempty"`
}

// EnvironmentSourceStatus is the backup that an environment was filled with.
type EnvironmentSourceStatus struct {
	// backup is the CRMBackup's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Backup string `json:"backup"`
	// version of the product that the backup is of.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Version string `json:"version"`
}

// EncryptionStatus is the state of an environment's keys. It holds no key.
type EncryptionStatus struct {
	// keyVersion is the newest version of the environment's key in Vault.
	// +optional
	KeyVersion int64 `json:"keyVersion,omitempty"`
	// minDecryptionVersion is the oldest version that can still decrypt.
	// +optional
	MinDecryptionVersion int64 `json:"minDecryptionVersion,omitempty"`
	// dataKeyVersion is the version that wraps the application's data key.
	// +optional
	DataKeyVersion int64 `json:"dataKeyVersion,omitempty"`
	// keyCreated is when the first version of the key was made. It tells the environment's backups from those of an earlier environment
	// of the same name whose key was destroyed.
	// +optional
	KeyCreated *metav1.Time `json:"keyCreated,omitempty"`
	// neededKeyVersion is the oldest version that a backup needs that is still kept. It is never trimmed while that is so. Unset: none does.
	// +optional
	NeededKeyVersion int64 `json:"neededKeyVersion,omitempty"`
	// neededBy names backups that need that version, the oldest first, at most ten.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MaxLength=63
	NeededBy []string `json:"neededBy,omitempty"`
	// lastRotation is when the newest version was made.
	// +optional
	LastRotation *metav1.Time `json:"lastRotation,omitempty"`
	// certificateExpires is when the certificate that the application answers with now ends. It is renewed long before.
	// +optional
	CertificateExpires *metav1.Time `json:"certificateExpires,omitempty"`
}

// ApprovalStatus is what is asked for.
type ApprovalStatus struct {
	// request is a digest of the fields that an approval speaks of: class, purpose, size, resources, host name and database.
	// +required
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=64
	Request string `json:"request"`
}

// ComponentStatus says how a component runs.
type ComponentStatus struct {
	// name of the component.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	Name string `json:"name"`
	// replicas that are wanted now.
	// +required
	Replicas int32 `json:"replicas"`
	// readyReplicas that answer.
	// +required
	ReadyReplicas int32 `json:"readyReplicas"`
}

// CRMEnvironmentList is a list of CRMEnvironments.
// +kubebuilder:object:root=true
type CRMEnvironmentList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMEnvironment `json:"items"`
}
