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
	// ConditionFilled is True when an environment that was declared with a source has its data. Without a source there is none.
	ConditionFilled = "Filled"
	// ConditionMigrated is True when the database is at the wanted version.
	ConditionMigrated = "Migrated"
	// ConditionWorkloadReady is True when every component has the wanted replicas ready.
	ConditionWorkloadReady = "WorkloadReady"
	// ConditionRolesEnforced is True when every role policy holds in the CRM.
	ConditionRolesEnforced = "RolesEnforced"
	// ConditionCatalogueMatches is True when every CRM of a class has what the class's objects name. Unset: none was looked at.
	ConditionCatalogueMatches = "CatalogueMatches"
	// ConditionBackupHealthy is True when the newest proven backup meets the objectives.
	ConditionBackupHealthy = "BackupHealthy"
	// ConditionRepositoriesHealthy is True when the last look into a schedule's repositories has found nothing wrong.
	ConditionRepositoriesHealthy = "RepositoriesHealthy"
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
	// ReasonClockSkewed says that a clock is or was wrong, so that nothing is destroyed or given up because its time has come.
	ReasonClockSkewed = "ClockSkewed"
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
	// ReasonRetained says that a deleted environment is taken apart, and where what was kept of it is.
	ReasonRetained = "Retained"
	// ReasonShredHold says that the time before the destruction of the key is not over.
	ReasonShredHold = "ShredHold"
	// ReasonUnschedulable says that no node takes a pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonDataLost says that the volume of a database that had data is gone. An empty one is not put in its place.
	ReasonDataLost = "DataLost"
	// ReasonDataElsewhere says that data was retained under the environment's name in the other kind of database than it declares.
	ReasonDataElsewhere = "DataElsewhere"
	// ReasonUnsupported says that this build cannot do what is declared.
	ReasonUnsupported = "Unsupported"
)

// Reasons of a tenant.
const (
	// ReasonEnvironmentsExist says that environments still exist in a tenant that is being deleted.
	ReasonEnvironmentsExist = "EnvironmentsExist"
)

// Reasons of backups, schedules and restores.
const (
	// ReasonEnvironmentNotFound says that the environment does not exist in the same namespace.
	ReasonEnvironmentNotFound = "EnvironmentNotFound"
	// ReasonEnvironmentNotReady says that the environment has no database that could be read or written now.
	ReasonEnvironmentNotReady = "EnvironmentNotReady"
	// ReasonLocationNotReady says that no location of those that are named can be used now.
	ReasonLocationNotReady = "LocationNotReady"
	// ReasonRunActive says that another backup or restore of the environment runs.
	ReasonRunActive = "RunActive"
	// ReasonAtCapacity says that as many backups run as the installation allows.
	ReasonAtCapacity = "AtCapacity"
	// ReasonRunLost says that a run's Job was deleted before it had told what came of it.
	ReasonRunLost = "RunLost"
	// ReasonRunFailed says that a run ended without telling why.
	ReasonRunFailed = "RunFailed"
	// ReasonPartiallyFailed says that a backup is in some of its locations, and not in all.
	ReasonPartiallyFailed = "PartiallyFailed"
	// ReasonScheduleInvalid says that a cron expression or a time zone means nothing.
	ReasonScheduleInvalid = "ScheduleInvalid"
	// ReasonScheduleSuspended says that a schedule makes no backups, as declared.
	ReasonScheduleSuspended = "ScheduleSuspended"
	// ReasonRepositoryDamaged says that what was written cannot be read back.
	ReasonRepositoryDamaged = "RepositoryDamaged"
	// ReasonNoSchedule says that nothing makes backups of the environment.
	ReasonNoSchedule = "NoSchedule"
	// ReasonNoBackup says that there is no complete backup yet.
	ReasonNoBackup = "NoBackup"
	// ReasonBackupTooOld says that the newest backup is older than the objective allows.
	ReasonBackupTooOld = "BackupTooOld"
	// ReasonLocationFailed says that the newest backup is not in all of its locations.
	ReasonLocationFailed = "LocationFailed"
	// ReasonNeverProven says that no backup was ever restored in a drill.
	ReasonNeverProven = "NeverProven"
	// ReasonProvenTooOld says that drills have stopped: the last one that passed is more than two of their intervals ago.
	ReasonProvenTooOld = "ProvenTooOld"
	// ReasonDrillPassed says that a drill has restored a backup and found it right.
	ReasonDrillPassed = "DrillPassed"
	// ReasonDrillTimeout says that a drill was not over in time.
	ReasonDrillTimeout = "DrillTimeout"
	// ReasonDrillFailed says that the newest drill could not restore a backup or found it wrong.
	ReasonDrillFailed = "DrillFailed"
	// ReasonDrillTooSlow says that the newest drill took longer than the objective allows.
	ReasonDrillTooSlow = "DrillTooSlow"
	// ReasonCheckFailed says that a check of the class failed.
	ReasonCheckFailed = "CheckFailed"
	// ReasonNotNeutralisable says that the class cannot make copies harmless.
	ReasonNotNeutralisable = "NotNeutralisable"
	// ReasonFinalBackup says that a deletion waits for the backup that it was asked to make first.
	ReasonFinalBackup = "FinalBackup"
	// ReasonBackupNotFound says that there is no backup to restore.
	ReasonBackupNotFound = "BackupNotFound"
	// ReasonBackupUnusable says that the backup holds nothing that could be restored.
	ReasonBackupUnusable = "BackupUnusable"
	// ReasonBackupForged says that a manifest is not signed by the environment's evidence key, or is another backup's.
	ReasonBackupForged = "BackupForged"
	// ReasonVersionMismatch says that the backup is of another version of the product than the environment is at.
	ReasonVersionMismatch = "VersionMismatch"
	// ReasonKeyVersionGone says that the version of the key that wraps the backup's key can no longer decrypt.
	ReasonKeyVersionGone = "KeyVersionGone"
	// ReasonRestoring says that the application is stopped while a backup is restored.
	ReasonRestoring = "Restoring"
)

// Phases of backups, of their parts in each location, and of restores.
const (
	// PhasePending waits.
	PhasePending = "Pending"
	// PhaseChecking is a restore that nothing known speaks against, whose new environment is about to be made.
	PhaseChecking = "Checking"
	// PhaseRunning has a Job, or the application stopped for it.
	PhaseRunning = "Running"
	// PhaseComplete has done all of its work.
	PhaseComplete = "Complete"
	// PhasePartiallyFailed is a backup that some of its locations hold.
	PhasePartiallyFailed = "PartiallyFailed"
	// PhaseRefused is a restore that could not succeed; nothing was touched.
	PhaseRefused = "Refused"
	// PhaseFailed has left everything as it was.
	PhaseFailed = "Failed"
)

// Reasons of a backup location, and of what cannot use one.
const (
	// ReasonBucketMissing says that the object store has no such bucket.
	ReasonBucketMissing = "BucketMissing"
	// ReasonAccessDenied says that the object store refuses the credentials, or what they are used for.
	ReasonAccessDenied = "AccessDenied"
	// ReasonCertificateUntrusted says that the object store's certificate does not chain to the CA bundle.
	ReasonCertificateUntrusted = "CertificateUntrusted"
	// ReasonUnreachable says that nothing answers at the endpoint.
	ReasonUnreachable = "Unreachable"
	// ReasonCredentialsMissing says that Vault has no credentials at the path.
	ReasonCredentialsMissing = "CredentialsMissing"
	// ReasonRegionMismatch says that the bucket is in another region than declared.
	ReasonRegionMismatch = "RegionMismatch"
	// ReasonObjectLockMissing says that the bucket does not lock new objects as declared.
	ReasonObjectLockMissing = "ObjectLockMissing"
	// ReasonLocationFull says that the object store has no space left.
	ReasonLocationFull = "LocationFull"
	// ReasonLocationRefused says that the object store answered with something that is none of the others.
	ReasonLocationRefused = "LocationRefused"
)

// Reasons of role policies.
const (
	// ReasonNoPolicy says that no CRMRolePolicy names the environment.
	ReasonNoPolicy = "NoPolicy"
	// ReasonNoAdapter says that the class has no adapter, so that nothing of a policy can be enforced.
	ReasonNoAdapter = "NoAdapter"
	// ReasonPolicyRefused says that a policy means nothing, or something forbidden.
	ReasonPolicyRefused = "PolicyRefused"
	// ReasonNotEnforceable says that the CRM does not enforce a rule as it is declared.
	ReasonNotEnforceable = "NotEnforceable"
	// ReasonDrifted says that somebody has changed in the CRM what a policy governs.
	ReasonDrifted = "Drifted"
	// ReasonCRMNotRunning says that the CRM does not run, so that its roles cannot be looked at.
	ReasonCRMNotRunning = "CRMNotRunning"
	// ReasonCRMUnreachable says that the CRM does not answer.
	ReasonCRMUnreachable = "CRMUnreachable"
	// ReasonCRMRefused says that the CRM answered a call with an error.
	ReasonCRMRefused = "CRMRefused"
	// ReasonCredentialMissing says that Vault has no password of crmkeep's account in the CRM.
	ReasonCredentialMissing = "CredentialMissing" //nolint:gosec // a reason, no credential
	// ReasonCatalogueMismatch says that the class's catalogue names what the CRM does not have.
	ReasonCatalogueMismatch = "CatalogueMismatch"
	// ReasonRolesPending says that people are kept out until the roles hold.
	ReasonRolesPending = "RolesPending"
	// ReasonGlassBroken says that the CRM's own administrator can log in for a while.
	ReasonGlassBroken = "GlassBroken"
	// ReasonLeaverOut says that a person who has left can no longer log in.
	ReasonLeaverOut = "LeaverOut"
	// ReasonDriftReverted says that a change made in the CRM was undone.
	ReasonDriftReverted = "DriftReverted"
	// ReasonInvited says that the first password of a new account is in Vault.
	ReasonInvited = "Invited"
)
