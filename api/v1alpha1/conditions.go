package v1alpha1

// Condition types. Ready, Reconciling and Stalled follow kstatus: the two latter are present only while true. All others are positive.
const (
	// ConditionReady is True when everything declared holds.
	ConditionReady = "Ready"
	// ConditionReconciling is True while work goes on or is waited for.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True when only an edit can help.
	ConditionStalled = "Stalled"

	// ConditionApproved is True when no approval is needed or a valid one is there.
	ConditionApproved = "Approved"
	// ConditionNamespaceReady is True when the environment's namespace is there and ours.
	ConditionNamespaceReady = "NamespaceReady"
	// ConditionKeysReady is True when the keys, roles and policies in Vault are as declared.
	ConditionKeysReady = "KeysReady"
	// ConditionNetworkIsolated is True when default deny and every allow rule are in place.
	ConditionNetworkIsolated = "NetworkIsolated"
	// ConditionDatabaseReady is True when the database takes connections.
	ConditionDatabaseReady = "DatabaseReady"
	// ConditionMigrated is True when the database is at the wanted version.
	ConditionMigrated = "Migrated"
	// ConditionWorkloadReady is True when every component has the wanted replicas ready.
	ConditionWorkloadReady = "WorkloadReady"
	// ConditionRolesEnforced is True when every role policy holds in the CRM.
	ConditionRolesEnforced = "RolesEnforced"
	// ConditionBackupHealthy is True when the newest proven backup meets the objectives.
	ConditionBackupHealthy = "BackupHealthy"
)

// Reasons that every kind uses.
const (
	// ReasonSucceeded goes with a condition that is True.
	ReasonSucceeded = "Succeeded"
	// ReasonProgressing says that work goes on.
	ReasonProgressing = "Progressing"
	// ReasonRetrying says that something failed and is tried again.
	ReasonRetrying = "Retrying"
	// ReasonInvalid says that the declaration must be edited.
	ReasonInvalid = "Invalid"
	// ReasonDeleting says that teardown goes on.
	ReasonDeleting = "Deleting"
	// ReasonNameClash says that an object of a needed name exists and is not crmkeep's.
	ReasonNameClash = "NameClash"
)

// Reasons of an environment.
const (
	// ReasonHomeNamespaceUnknown says that the environment is not in a tenant's home namespace.
	ReasonHomeNamespaceUnknown = "HomeNamespaceUnknown"
	// ReasonTenantNotReady says that the tenant does not exist or is being deleted.
	ReasonTenantNotReady = "TenantNotReady"
	// ReasonClassNotFound says that the class does not exist yet.
	ReasonClassNotFound = "ClassNotFound"
	// ReasonClassInvalid says that the class itself must be mended by the platform.
	ReasonClassInvalid = "ClassInvalid"
	// ReasonVersionUnknown says that the class has no such version.
	ReasonVersionUnknown = "VersionUnknown"
	// ReasonSizeUnknown says that the class does not offer the size.
	ReasonSizeUnknown = "SizeUnknown"
	// ReasonHostnameTaken says that another environment has the host name.
	ReasonHostnameTaken = "HostnameTaken"
	// ReasonHostnameForbidden says that the tenant may not use the host name.
	ReasonHostnameForbidden = "HostnameForbidden"
	// ReasonLimitExceeded says that the tenant's limits do not allow the environment.
	ReasonLimitExceeded = "LimitExceeded"
	// ReasonNotAllowed says that the tenant may not use the class or the purpose.
	ReasonNotAllowed = "NotAllowed"
	// ReasonApprovalRequired says that somebody with the verb "approve" must act.
	ReasonApprovalRequired = "ApprovalRequired"
	// ReasonMigrationRunning says that the migration Job runs.
	ReasonMigrationRunning = "MigrationRunning"
	// ReasonMigrationFailed says that the migration Job failed; the application is not started on a half-migrated database.
	ReasonMigrationFailed = "MigrationFailed"
	// ReasonStopping says that the application is stopped before a migration or a suspension.
	ReasonStopping = "Stopping"
	// ReasonSuspended says that nothing runs because the environment is suspended.
	ReasonSuspended = "Suspended"
	// ReasonQuarantined says that people and integrations are cut off.
	ReasonQuarantined = "Quarantined"
	// ReasonImageUnavailable says that a pod cannot get its image.
	ReasonImageUnavailable = "ImageUnavailable"
	// ReasonCrashing says that a container fails again and again.
	ReasonCrashing = "Crashing"
	// ReasonShredHold says that the time before the destruction of the key is not over.
	ReasonShredHold = "ShredHold"
	// ReasonUnschedulable says that no node takes a pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonUnsupported says that this build cannot do what is declared.
	ReasonUnsupported = "Unsupported"
)

// Reasons of a tenant.
const (
	// ReasonEnvironmentsExist says that environments still exist in a tenant that is being deleted.
	ReasonEnvironmentsExist = "EnvironmentsExist"
)
