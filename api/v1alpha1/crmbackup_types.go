package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CRMBackup is one backup of an environment. Its status is its record.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=crmb,categories=crm
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environmentRef.name`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Size",type=integer,JSONPath=`.status.record.bytes`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 53 && !self.metadata.name.contains('.')",message="metadata.name: at most 53 characters and no dots"
type CRMBackup struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec says of what and where to.
	// +required
	Spec CRMBackupSpec `json:"spec,omitzero"`
	// status is the record of the backup.
	// +optional
	Status CRMBackupStatus `json:"status,omitzero"`
}

// CRMBackupSpec declares a backup. It cannot be changed.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: a backup is made once; make another"
type CRMBackupSpec struct {
	// environmentRef names the environment.
	// +required
	EnvironmentRef LocalReference `json:"environmentRef,omitzero"`
	// locations that the backup is written to.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Locations []string `json:"locations"`
	// import takes up the record of a backup that was made before, such as by a cluster that is lost, from its signed manifest; nothing is
	// written to the locations. Unset: a backup is made.
	// +optional
	Import *BackupImport `json:"import,omitempty"`
}

// BackupImport names a backup that the locations hold.
type BackupImport struct {
	// id of the backup, which is the name of its manifest without ".json".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	ID string `json:"id"`
}

// CRMBackupStatus is the record of a backup.
type CRMBackupStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// phase of the backup.
	// +optional
	// +kubebuilder:validation:Enum=Pending;Running;Complete;PartiallyFailed;Failed
	Phase string `json:"phase,omitempty"`
	// startedAt is when the backup began.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// completedAt is when the backup ended.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
	// progress of a running backup.
	// +optional
	Progress *BackupProgress `json:"progress,omitempty"`
	// locations that were written.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Locations []BackupLocationStatus `json:"locations,omitempty"`
	// record is what a restore needs to know.
	// +optional
	Record *BackupRecord `json:"record,omitempty"`
}

// BackupProgress says how far a backup is.
type BackupProgress struct {
	// stage that runs.
	// +optional
	// +kubebuilder:validation:MaxLength=40
	Stage string `json:"stage,omitempty"`
	// bytesDone so far.
	// +optional
	BytesDone int64 `json:"bytesDone,omitempty"`
	// bytesTotal when known.
	// +optional
	BytesTotal int64 `json:"bytesTotal,omitempty"`
}

// BackupLocationStatus is a location's part of a backup.
type BackupLocationStatus struct {
	// name of the CRMBackupLocation.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// phase of the location's part.
	// +required
	// +kubebuilder:validation:Enum=Pending;Running;Complete;Failed
	Phase string `json:"phase"`
	// snapshots that were written.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	Snapshots []string `json:"snapshots,omitempty"`
	// bytesAdded to the repository.
	// +optional
	BytesAdded int64 `json:"bytesAdded,omitempty"`
	// message says what went wrong.
	// +optional
	// +kubebuilder:validation:MaxLength=500
	Message string `json:"message,omitempty"`
}

// BackupRecord is what a restore needs to know.
type BackupRecord struct {
	// version of the product.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Version string `json:"version"`
	// class of the product. Empty in records of before it was recorded: the environment's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Class string `json:"class,omitempty"`
	// keyVersion is the oldest version of the environment's key that the backup needs.
	// +required
	KeyVersion int64 `json:"keyVersion"`
	// manifestDigest of the signed manifest, SHA-256 in hexadecimal.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	ManifestDigest string `json:"manifestDigest"`
	// repository is where in each location the backup is, below the location's prefix.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Repository string `json:"repository"`
	// bytes of the database and the files.
	// +optional
	Bytes int64 `json:"bytes,omitempty"`
	// rows in all tables.
	// +optional
	Rows int64 `json:"rows,omitempty"`
}

// CRMBackupList is a list of CRMBackups.
// +kubebuilder:object:root=true
type CRMBackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMBackup `json:"items"`
}
