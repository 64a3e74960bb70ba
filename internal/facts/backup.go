package facts

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// Protected is what was read of an environment for which backups are made or restored.
type Protected struct {
	// Environment, Tenant and Class are nil when they do not exist.
	Environment *v1alpha1.CRMEnvironment
	Tenant      *v1alpha1.CRMTenant
	Class       *v1alpha1.CRMClass
	// Accepted is as in Environment.
	Accepted map[string]string
	// Locations are all that exist, by name.
	Locations map[string]v1alpha1.CRMBackupLocation
	// Restoring names the CRMRestore that is being put into the environment; empty when there is none.
	Restoring string
}

// Run is the Job of a backup, a restore or the care of repositories.
type Run struct {
	Namespace, Name string
	// Kind is one of naming's kinds of runs.
	Kind string
	// Ended tells whether the Job is over, and Succeeded whether its program said so by its exit code.
	Ended, Succeeded bool
	// Why the Job failed, in Kubernetes' words.
	Why string
	// Started is zero as long as no pod was made.
	Started, Completed time.Time
	Locations          []string
	Version            string
	Repository         string
	// Forget names the CRMBackups that are forgotten.
	Forget []string
	// Report is the termination message of the pod that ended last. Anybody may have written it.
	Report string
	// Address of the pod that runs; empty when none does.
	Address string
	// Problem keeps a pod from running; empty when none does.
	Problem string
}

// Backup is what an environment needs to know of one of its backups that a location holds.
type Backup struct {
	Name string
	// KeyVersion is the oldest version of the environment's key that the backup needs.
	KeyVersion int64
	// Repository is where in each location it is, which tells what key it was made with.
	Repository string
}

// Schedule is what an environment needs to know of a schedule of its backups.
type Schedule struct {
	Name string
	// Health is the schedule's condition BackupHealthy; nil when it was not written yet.
	Health *metav1.Condition
	// LastProven is when a backup was last restored in a drill.
	LastProven *metav1.Time
}
