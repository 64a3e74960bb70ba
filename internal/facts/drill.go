package facts

import (
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Drill is what was read of the newest drill of a schedule.
type Drill struct {
	// Usable tells whether there is a backup of the environment that could be restored.
	Usable bool
	// Backup that was restored; nil when none was chosen, and when its record is gone.
	Backup *v1alpha1.CRMBackup
	// Restore is the drill's CRMRestore, and Environment what that has made; nil when they do not exist.
	Restore     *v1alpha1.CRMRestore
	Environment *v1alpha1.CRMEnvironment
	// Clash says which object has a name that the drill needs, and is not a drill's; empty when none does.
	Clash string
	// ResultClash says which object has the name of the drill's result and is not crmkeep's; empty when none has. It is looked for once the
	// drill has a verdict, as long as its result is not there.
	ResultClash string
	// HasChecks tells whether the class of the drill's environment has any. One that is not seen has: it must be there to be checked.
	HasChecks bool
	// Checks is nil as long as there is no Job of them.
	Checks *Checks
	// Results names the signed results that are kept of the schedule, oldest first.
	Results []string
}

// Checks is what came of the checks of a drill so far.
type Checks struct {
	Ended, Passed bool
	// Took is how long the Job took; zero as long as it has not ended.
	Took time.Duration
	// Each check that has ended.
	Each []v1alpha1.RecoveryStage
	// Message says why they have not passed.
	Message string
}
