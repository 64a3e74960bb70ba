package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CRMRestore restores a backup in place or into a new environment.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=crmr,categories=crm
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.status.backup`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 52 && !self.metadata.name.contains('.')",message="metadata.name: at most 52 characters and no dots"
type CRMRestore struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec says what to restore and where to.
	// +required
	Spec CRMRestoreSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMRestoreStatus `json:"status,omitzero"`
}

// CRMRestoreSpec declares a restore. Apart from confirmation and keepSeconds it cannot be changed.
// +kubebuilder:validation:XValidation:rule="self.from == oldSelf.from && self.to == oldSelf.to",message="from, to: cannot be changed; make another restore"
type CRMRestoreSpec struct {
	// from says which backup.
	// +required
	From RestoreFrom `json:"from,omitzero"`
	// to says where.
	// +required
	To RestoreTo `json:"to,omitzero"`
	// confirmation of a restore in place drops the database that was replaced. Unset: it is kept for keepSeconds.
	// +optional
	// +kubebuilder:validation:Enum=Confirmed
	Confirmation string `json:"confirmation,omitempty"`
	// keepSeconds is how long a replaced database is kept without confirmation. Default: 604800.
	// +optional
	// +kubebuilder:validation:Minimum=3600
	// +kubebuilder:validation:Maximum=31536000
	KeepSeconds *int64 `json:"keepSeconds,omitempty"`
}

// RestoreFrom says which backup. Exactly one member is set.
// +kubebuilder:validation:ExactlyOneOf=backupRef;newestOf
type RestoreFrom struct {
	// backupRef names a CRMBackup.
	// +optional
	BackupRef *LocalReference `json:"backupRef,omitempty"`
	// newestOf takes the newest backup of an environment.
	// +optional
	NewestOf *NewestBackup `json:"newestOf,omitempty"`
}

// NewestBackup selects by time.
type NewestBackup struct {
	// environmentRef names the environment.
	// +required
	EnvironmentRef LocalReference `json:"environmentRef,omitzero"`
	// before leaves out backups that were completed later. Unset: none.
	// +optional
	Before *metav1.Time `json:"before,omitempty"`
}

// RestoreTo says where. Exactly one member is set.
// +kubebuilder:validation:ExactlyOneOf=environmentRef;newEnvironment
type RestoreTo struct {
	// environmentRef names an environment that is restored in place.
	// +optional
	EnvironmentRef *LocalReference `json:"environmentRef,omitempty"`
	// newEnvironment is made for the restore.
	// +optional
	NewEnvironment *NewEnvironment `json:"newEnvironment,omitempty"`
}

// NewEnvironment is made for a restore.
// +kubebuilder:validation:XValidation:rule="!has(self.ttlSeconds) || !has(self.purpose) || self.purpose in ['Sandbox', 'Drill']",message="ttlSeconds: only for purpose Sandbox; remove it or change the purpose"
type NewEnvironment struct {
	// name of the new environment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.contains('--')",message="cannot contain \"--\""
	Name string `json:"name"`
	// purpose of the new environment. Unset: Sandbox.
	// +optional
	Purpose Purpose `json:"purpose,omitempty"`
	// ttlSeconds of a sandbox. Default: 86400.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	TTLSeconds *int64 `json:"ttlSeconds,omitempty"`
	// keepLogins are the people who can still log in to the copy, besides its administrator. Unset: nobody.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	KeepLogins []Login `json:"keepLogins,omitempty"`
}

// CRMRestoreStatus is what was seen of a restore.
type CRMRestoreStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// phase of the restore.
	// +optional
	// +kubebuilder:validation:Enum=Pending;Checking;Running;Complete;Refused;Failed
	Phase string `json:"phase,omitempty"`
	// backup that was chosen.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Backup string `json:"backup,omitempty"`
	// startedAt is when the restore began.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
	// completedAt is when the restore ended.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
	// stages that have ended, in order: how long a recovery takes, and where.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Stages []RecoveryStage `json:"stages,omitempty"`
	// keptUntil is when the database that was replaced is dropped unless that is confirmed sooner. Unset: there is none any more.
	// +optional
	KeptUntil *metav1.Time `json:"keptUntil,omitempty"`
}

// RecoveryStage is a part of a recovery.
type RecoveryStage struct {
	// name of the stage.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name"`
	// milliseconds that it took.
	// +required
	Milliseconds int64 `json:"milliseconds"`
}

// CRMRestoreList is a list of CRMRestores.
// +kubebuilder:object:root=true
type CRMRestoreList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMRestore `json:"items"`
}
