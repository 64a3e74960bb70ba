package controllers_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// atOnce is how many stories happen at once: more than there are processors, for they mostly wait.
const atOnce = "12"

// TestMain sets it, and plays crmkeep for the commands of pages.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == crmkeepProgram {
		os.Exit(crmkeep(os.Args[1:]))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// The stories of this test happen at once in one installation, as in life: each has tenants of its own.
func TestInAnInstallation(t *testing.T) {
	in := install(t)
	in.operate(t)
	for sentence, story := range map[string]func(*testing.T, *installation){
		"a tenant gets a home":                                             tenantGetsAHome,
		"an environment gets everything that was planned":                  environmentGetsEverything,
		"a class that is not there yet is waited for":                      classIsWaitedFor,
		"a wrong class says what is wrong and environments wait for it":    wrongClassIsWaitedFor,
		"a class that goes disturbs nothing that runs":                     classThatGoesDisturbsNothing,
		"an edit that cannot be disturbs nothing that runs":                badEditDisturbsNothing,
		"a refused declaration's environment is kept up as it was":         refusedIsKeptUp,
		"one that waits for approval is kept up as it was":                 unapprovedIsKeptUp,
		"environments outlive their class":                                 environmentsOutliveTheirClass,
		"another state asks for nothing new":                               stateIsNoNewDemand,
		"a declaration that only an edit can mend is stalled":              invalidIsStalled,
		"a host name that is taken is waited for":                          takenHostnameIsWaitedFor,
		"a namespace that is somebody else's stays untouched":              foreignNamespaceStaysUntouched,
		"a home that is somebody else's stays untouched":                   foreignHomeStaysUntouched,
		"limits hold back what is new and leave alone what runs":           limitsHoldBackTheNew,
		"the API server counts a tenant's environments":                    apiServerCountsEnvironments,
		"an image that cannot be had is named":                             missingImageIsNamed,
		"a new version whose image cannot be had disturbs nothing":         newVersionWithoutImageDisturbsNothing,
		"a volume that cannot grow is named":                               volumeThatCannotGrowIsNamed,
		"nothing is made before it is approved":                            nothingBeforeApproval,
		"suspending stops all but keeps the data, and resuming starts all": suspendAndResume,
		"quarantine cuts people off and leaves the rest":                   quarantineCutsPeopleOff,
		"a new version stops, migrates and starts":                         newVersionStopsMigratesStarts,
		"a failed migration can be gone back on":                           failedMigrationCanBeGoneBackOn,
		"suspending waits for a migration that runs":                       suspendingWaitsForAMigration,
		"what was retained is taken up again":                              retainedIsTakenUpAgain,
		"what was retained stays in its kind of database":                  retainedStaysInItsDatabase,
		"delete takes the volumes and leaves the keys":                     deleteLeavesTheKeys,
		"shred destroys the key and leaves a certificate":                  shredLeavesACertificate,
		"a shred's hold can be used to keep the data":                      holdCanBeUsed,
		"a backup location is tried out":                                   locationIsTriedOut,
		"a backup location says what is wrong with it":                     locationSaysWhatIsWrong,
		"a backup location recovers by itself":                             locationRecoversByItself,
		"a backup's record is what its run has told":                       backupRecordsWhatWasTold,
		"a location that fails does not lose the others":                   failedLocationLosesNoOther,
		"a hostile message is not believed":                                hostileMessageIsNotBelieved,
		"two backups of an environment run one after the other":            twoBackupsRunOneAfterTheOther,
		"a backup of another tenant's environment finds none":              backupOfAnotherTenantsFindsNone,
		"a suspended environment's backup waits":                           suspendedEnvironmentsBackupWaits,
		"a run whose Job was deleted is lost and blocks nobody":            lostRunBlocksNobody,
		"deleting a backup ends its run":                                   deletingABackupEndsItsRun,
		"a schedule catches up once and keeps what it should":              scheduleCatchesUpAndKeeps,
		"two schedules of an environment keep what is theirs":              twoSchedulesKeepTheirOwn,
		"a schedule that means nothing is refused":                         scheduleThatMeansNothing,
		"a restore stops the application and starts it again":              restoreStopsAndStarts,
		"a restore that fails leaves the environment as it was":            failedRestoreLeavesItAsItWas,
		"a restore that was killed is undone before anything starts":       killedRestoreIsUndone,
		"a restore that cannot succeed is refused":                         restoreIsRefused,
		"a deletion waits for its final backup":                            deletionWaitsForItsFinalBackup,
		"a final backup can be given up":                                   finalBackupCanBeGivenUp,
		"a shred writes its backups off":                                   shredWritesItsBackupsOff,
		"the versions of the key that backups need are counted":            keyVersionsAreCounted,
		"the record of a backup is imported":                               recordIsImported,
		"a lost environment comes back from its bucket and Vault":          lostEnvironmentComesBack,
		"what failed backups have left is forgotten":                       failedBackupsAreForgottenToo,
		"a manifest that is not the environment's own is not imported":     foreignManifestIsNotImported,
		"a copy gets its data, is made harmless and runs":                  copyGetsItsDataAndRuns,
		"nothing of a copy runs before it is harmless":                     nothingRunsBeforeItIsHarmless,
		"a copy whose restore fails runs nothing":                          failedCopyRunsNothing,
		"a copy that may not be is refused":                                copyIsRefused,
		"a copy that was retained is not filled again":                     retainedCopyIsNotFilledAgain,
		"a restore makes a new environment":                                restoreMakesANewEnvironment,
		"a restore into a new environment that cannot be is refused":       newEnvironmentIsRefused,
		"a repository is not cared for while a copy is made of it":         careWaitsForACopy,
		"a drill passes, proves the backup and leaves nothing":             drillPassesAndLeavesNothing,
		"a drill that fails says so and leaves nothing":                    failedDrillSaysSoAndLeavesNothing,
		"a drill that cannot begin fails":                                  drillThatCannotBeginFails,
		"a drill's result whose name is taken is named":                    takenResultIsNamed,
		"deleting a schedule ends its drill":                               deletedScheduleEndsItsDrill,
		"a role policy is enforced and says so":                            policyIsEnforcedAndSaysSo,
		"who leaves is out and the status says when":                       leaverIsOutAndStatusSaysWhen,
		"who leaves does not wait for those who come":                      leaverDoesNotWaitForThoseWhoCome,
		"a binding that has expired leaves nothing":                        expiredBindingLeavesNothing,
		"a refused policy changes nothing yet puts leavers out":            refusedPolicyPutsLeaversOut,
		"drift is reverted or reported":                                    driftIsRevertedOrReported,
		"a leaver is out whatever the CRM has made of them":                leaverIsOutWhateverTheCRMMadeOfThem,
		"a CRM that answers without end is given up":                       crmThatAnswersWithoutEndIsGivenUp,
		"a CRM that fails is tried again":                                  crmThatFailsIsTriedAgain,
		"a CRM that quotes the password is not quoted":                     crmThatQuotesThePasswordIsNotQuoted,
		"a CRM that dies leaves nobody without a password":                 deathsOfTheCRMLeaveNobodyWithoutPassword,
		"policies that contradict each other are named":                    policiesThatContradictAreNamed,
		"nobody gets crmkeep's own account":                                crmkeepsAccountIsNobodys,
		"a broken glass is seen and mended":                                brokenGlassIsSeenAndMended,
		"the last policy's end opens the administrator":                    lastPolicyOpensTheAdministrator,
		"a suspended CRM comes back closed":                                suspendedComesBackClosed,
		"a review is signed, and answered once":                            reviewIsSignedAndAnsweredOnce,
		"a review is answered whatever the question":                       reviewNeedsNoReasonableQuestion,
		"a policy that names what there is not is refused":                 wrongPolicyIsRefused,
		"a policy waits for an environment that is not there":              policyWaitsForItsEnvironment,
		"a policy that only an expiry can mend is looked at again":         policyIsMendedByAnExpiry,
		"a governed environment comes back closed until its roles hold":    governedComesBackClosed,
		"a policy that comes while all rests closes, too":                  policyThatComesWhileAllRests,
		"an environment without policies is never closed":                  ungovernedIsNeverClosed,
		"a restore in place closes before the application starts":          restoreClosesFirst,
		"what was retained is taken up closed":                             retainedIsTakenUpClosed,
		"a class says what its CRMs do not have":                           classSaysWhatIsMissing,
		"an environment is deleted while it is made":                       deletedWhileMade,
		"what was never let in takes nothing along":                        neverLetInTakesNothing,
		"deleting a home retains the data":                                 deletingAHomeRetains,
		"a tenant stays as long as its environments":                       tenantStaysWithEnvironments,
		"a sandbox ends when its time is over, valid or not":               sandboxEnds,
		"what was changed or deleted by hand is put back by one write":     driftIsPutBack,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			story(t, in)
		})
	}
}
