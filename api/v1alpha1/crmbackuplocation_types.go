package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CRMBackupLocation is an S3-compatible bucket that backups can go to.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=crmloc,categories=crm
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Bucket",type=string,JSONPath=`.spec.bucket`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Checked",type=date,JSONPath=`.status.lastChecked`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",message="metadata.name: at most 63 characters and no dots"
type CRMBackupLocation struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what the platform declares.
	// +required
	Spec CRMBackupLocationSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMBackupLocationStatus `json:"status,omitzero"`
}

// CRMBackupLocationSpec declares a bucket.
// +kubebuilder:validation:XValidation:rule="has(self.prefix) == has(oldSelf.prefix) && (!has(self.prefix) || self.prefix == oldSelf.prefix)",message="prefix: cannot be changed: backups are below it; declare another location"
type CRMBackupLocationSpec struct {
	// endpoint of the S3 service, with https and without a path.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && self.matches('^https://[^/@?#]+/?$')",message="must be an https URL of a host and a port, and no more"
	Endpoint string `json:"endpoint"`
	// cidr that the endpoint's addresses are in, for the network rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=50
	// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).prefixLength() > 0",message="must be an address range such as 203.0.113.0/28, and not every address"
	CIDR string `json:"cidr"`
	// caBundle that the endpoint's certificate must chain to, PEM. Unset: the system's roots.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	CABundle string `json:"caBundle,omitempty"`
	// region that the data is in, and by which requests to the endpoint are signed.
	// +required
	Region Region `json:"region"`
	// bucket of the backups.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: backups are in it; declare another location"
	Bucket string `json:"bucket"`
	// prefix of every key in the bucket. It cannot be changed.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$`
	Prefix string `json:"prefix,omitempty"`
	// addressing of the bucket. Unset: Path.
	// +optional
	// +kubebuilder:validation:Enum=Path;VirtualHost
	Addressing string `json:"addressing,omitempty"`
	// credentialsPath is where Vault keeps the access key, in fields "accessKeyID" and "secretAccessKey": "locations/<name>" in crmkeep's
	// kv engine.
	// +required
	// +kubebuilder:validation:XValidation:rule="self.startsWith('locations/')",message="must start with \"locations/\": what is elsewhere in Vault is no location's"
	CredentialsPath VaultPath `json:"credentialsPath"`
	// objectLock that the bucket must give to new objects by default. Unset: it is not looked at.
	// +optional
	ObjectLock *ObjectLock `json:"objectLock,omitempty"`
}

// ObjectLock keeps objects from being deleted too early.
type ObjectLock struct {
	// mode of the lock.
	// +required
	// +kubebuilder:validation:Enum=Governance;Compliance
	Mode string `json:"mode"`
	// days that objects are locked for, at least.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	Days int32 `json:"days"`
}

// CRMBackupLocationStatus is what was seen of a location.
type CRMBackupLocationStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// lastChecked is when all was last found as declared: a probe object was written, read, listed and deleted. It is no more than some
	// ten minutes behind.
	// +optional
	LastChecked *metav1.Time `json:"lastChecked,omitempty"`
}

// CRMBackupLocationList is a list of CRMBackupLocations.
// +kubebuilder:object:root=true
type CRMBackupLocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMBackupLocation `json:"items"`
}
