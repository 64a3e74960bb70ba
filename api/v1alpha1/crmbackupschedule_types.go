package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CRMBackupSchedule makes backups of an environment, keeps them for a time and proves that they restore.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=crmbs,categories=crm
// +kubebuilder:printcolumn:name="Environment",type=string,JSONPath=`.spec.environmentRef.name`
// +kubebuilder:printcolumn:name="Schedule",type=string,JSONPath=`.spec.schedule`
// +kubebuilder:printcolumn:name="Last Backup",type=date,JSONPath=`.status.lastBackup`
// +kubebuilder:printcolumn:name="Last Proven",type=date,JSONPath=`.status.lastProven`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && !self.metadata.name.contains('.')",message="metadata.name: at most 40 characters and no dots"
type CRMBackupSchedule struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what the tenant's admin declares.
	// +required
	Spec CRMBackupScheduleSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMBackupScheduleStatus `json:"status,omitzero"`
}

// CRMBackupScheduleSpec declares backups.
type CRMBackupScheduleSpec struct {
	// environmentRef names the environment. It cannot be changed.
	// +required
	// +kubebuilder:validation:XValidation:rule="self.name == oldSelf.name",message="cannot be changed: make another schedule"
	EnvironmentRef LocalReference `json:"environmentRef,omitzero"`
	// schedule of the backups.
	// +required
	Schedule CronExpression `json:"schedule"`
	// timeZone of the schedule, as in the IANA database. Unset: UTC.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=60
	// +kubebuilder:validation:Pattern=`^[A-Za-z]+([A-Za-z0-9_+/-]*[A-Za-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",message="must be a time zone of the IANA database, such as Europe/Berlin"
	TimeZone string `json:"timeZone,omitempty"`
	// windowSeconds over which runs of all environments are spread. Default: 900.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=43200
	WindowSeconds *int64 `json:"windowSeconds,omitempty"`
	// startingDeadlineSeconds after which a missed run is left out. Default: 86400.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=604800
	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds,omitempty"`
	// state of the schedule. Unset: Active.
	// +optional
	// +kubebuilder:validation:Enum=Active;Suspended
	State string `json:"state,omitempty"`
	// locations that every backup is written to.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Locations []string `json:"locations"`
	// retention of the backups. Unset: the installation's, 7 daily, 5 weekly and 12 monthly.
	// +optional
	Retention *BackupRetention `json:"retention,omitempty"`
	// historyLimit is how many CRMBackup objects of ended runs stay, apart from those that are retained. Default: 10.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
	// objectives that the environment's BackupHealthy condition measures.
	// +optional
	Objectives *RecoveryObjectives `json:"objectives,omitempty"`
	// drill proves that backups restore. Unset: none, and the environment is not BackupHealthy.
	// +optional
	Drill *RestoreDrill `json:"drill,omitempty"`
}

// BackupRetention says how many backups are kept. A backup that any rule keeps is kept.
// +kubebuilder:validation:AtLeastOneOf=last;hourly;daily;weekly;monthly;yearly
type BackupRetention struct {
	// last backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Last *int32 `json:"last,omitempty"`
	// hourly backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Hourly *int32 `json:"hourly,omitempty"`
	// daily backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Daily *int32 `json:"daily,omitempty"`
	// weekly backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Weekly *int32 `json:"weekly,omitempty"`
	// monthly backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Monthly *int32 `json:"monthly,omitempty"`
	// yearly backups that are kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Yearly *int32 `json:"yearly,omitempty"`
}

// RecoveryObjectives are what a recovery must achieve.
type RecoveryObjectives struct {
	// rpoSeconds is how much of the newest work may be lost. Unset: twice the time between two backups.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	RPOSeconds *int64 `json:"rpoSeconds,omitempty"`
	// rtoSeconds is how long a recovery may take.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=31536000
	RTOSeconds *int64 `json:"rtoSeconds,omitempty"`
}

// RestoreDrill proves that backups restore.
type RestoreDrill struct {
	// schedule of the drills, in the schedule's time zone.
	// +required
	Schedule CronExpression `json:"schedule"`
	// timeoutSeconds of a drill. Default: 7200.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=86400
	TimeoutSeconds *int64 `json:"timeoutSeconds,omitempty"`
}

// CRMBackupScheduleStatus is what was seen of a schedule.
type CRMBackupScheduleStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled, RepositoriesHealthy, BackupHealthy.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// lastBackup is when the newest complete backup was made.
	// +optional
	LastBackup *metav1.Time `json:"lastBackup,omitempty"`
	// nextBackup is when the next one is due.
	// +optional
	NextBackup *metav1.Time `json:"nextBackup,omitempty"`
	// lastCare is when the repositories were last checked and freed of what retention lets go.
	// +optional
	LastCare *metav1.Time `json:"lastCare,omitempty"`
	// lastProven is when a backup was last proven to restore.
	// +optional
	LastProven *metav1.Time `json:"lastProven,omitempty"`
	// nextDrill is when the next drill is due.
	// +optional
	NextDrill *metav1.Time `json:"nextDrill,omitempty"`
	// drill is the newest one.
	// +optional
	Drill *DrillStatus `json:"drill,omitempty"`
	// measuredRPOSeconds is what the last drill would have lost.
	// +optional
	MeasuredRPOSeconds *int64 `json:"measuredRPOSeconds,omitempty"`
	// measuredRTOSeconds is how long the last drill took.
	// +optional
	MeasuredRTOSeconds *int64 `json:"measuredRTOSeconds,omitempty"`
}

// DrillStatus is how a drill goes or went.
type DrillStatus struct {
	// name of its CRMRestore, and of the ConfigMap with the signed result.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// phase of the drill.
	// +required
	// +kubebuilder:validation:Enum=Running;Complete;Failed
	Phase string `json:"phase"`
	// scheduledAt is the time that it was due at.
	// +required
	ScheduledAt metav1.Time `json:"scheduledAt"`
	// startedAt is when it began.
	// +required
	StartedAt metav1.Time `json:"startedAt"`
	// completedAt is when it had passed or failed.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
	// backup that was restored.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Backup string `json:"backup,omitempty"`
	// stages that have ended, in order. Their sum is the measured RTO.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Stages []RecoveryStage `json:"stages,omitempty"`
	// message says what went wrong.
	// +optional
	// +kubebuilder:validation:MaxLength=1000
	Message string `json:"message,omitempty"`
}

// CRMBackupScheduleList is a list of CRMBackupSchedules.
// +kubebuilder:object:root=true
type CRMBackupScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMBackupSchedule `json:"items"`
}
