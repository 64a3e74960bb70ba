// Package facts is what was read of the world, as plain values: the input of every decision. It is pure.
package facts

import (
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

// Environment is what was read for one CRMEnvironment.
type Environment struct {
	// Tenant is nil when there is none.
	Tenant *v1alpha1.CRMTenant
	// Class is nil when there is none.
	Class *v1alpha1.CRMClass
	// Siblings are the tenant's other environments that have been let in, or are older and so come first.
	Siblings []Sibling
	// HostnameHolder is the environment that has the host name or asked for it first, as namespace/name; empty when it is free.
	HostnameHolder string
	// Components are the live workloads of the class's components, by name.
	Components map[string]Workload
	// Database is the environment's own.
	Database Workload
	// DataMissing tells that the database had data, and that its volume is not seen.
	DataMissing bool
	// Pods counts the pods that have not finished, by component. One that is being deleted still writes, and still counts.
	Pods map[string]int
	// RecordedVersion is the version that a database of this name was at when it was last seen to hold; empty when there is none.
	// It outlives the environment, so that one made again takes its data up as it is.
	RecordedVersion string
	// RecordedSource is what that database was filled with; nil when it started empty.
	RecordedSource *v1alpha1.EnvironmentSourceStatus
	// DataElsewhere tells that data of this name is there, in the other kind of database than the environment declares.
	DataElsewhere bool
	// Accepted is the record of the declaration that was let in last; nil when there is none. It is the cache's own: not to be changed.
	Accepted map[string]string
	// Source is what there is to fill the environment with; nil when it has its data or starts empty.
	Source *Source
	// Jobs are those of migrations, and those that show that an image can be started, by name.
	Jobs map[string]Job
	// Problems are what keeps pods from running.
	Problems []PodProblem
	// CertificateExpires is when the application's certificate ends; nil when it was not asked.
	CertificateExpires *time.Time
	// Restoring names the CRMRestore that is being put into the environment; empty when there is none.
	Restoring string
	// Governed tells whether role policies are enforced in the environment, or were until now.
	Governed bool
	// Schedules of the environment's backups, by name.
	Schedules []Schedule
	// Backups of the environment that a location holds, oldest first.
	Backups []Backup
	// HTTPRoutes tells whether the cluster knows the Gateway API's kind.
	HTTPRoutes bool
}

// Source is what was read for an environment that is to be filled from a backup of another one.
type Source struct {
	// Restore is the CRMRestore of the name that fills the environment; nil when there is none.
	Restore *v1alpha1.CRMRestore
	// Backups and Environments are those of the tenant's home.
	Backups      []v1alpha1.CRMBackup
	Environments []v1alpha1.CRMEnvironment
}

// Sibling is another environment of the tenant.
type Sibling struct {
	Environment v1alpha1.CRMEnvironment
	// Class is nil when there is none.
	Class *v1alpha1.CRMClass
}

// Workload is a live Deployment or StatefulSet.
type Workload struct {
	Exists bool
	// Current tells whether its controller has seen the newest declaration and rolled it out.
	Current bool
	// Wanted, Replicas and Ready count pods: declared, existing in any state, and ready.
	Wanted, Replicas, Ready int32
	// Image that is declared.
	Image string
}

// Up tells whether every wanted pod runs the newest declaration and is ready.
func (w Workload) Up() bool { return w.Exists && w.Current && w.Wanted > 0 && w.Ready >= w.Wanted }

// Job is a live Job.
type Job struct {
	Succeeded bool
	Failed    bool
	// Message says why it failed.
	Message string
}

// PodProblem is a reason why a container does not run.
type PodProblem struct {
	Component string
	// Reason is one of the API's: ImageUnavailable, Crashing or Unschedulable.
	Reason  string
	Message string
	// Image that cannot be had; empty for another reason.
	Image string
}

// ProblemsOf are those of the components.
func (e *Environment) ProblemsOf(component ...string) []PodProblem {
	var found []PodProblem
	for _, p := range e.Problems {
		if slices.Contains(component, p.Component) {
			found = append(found, p)
		}
	}
	return found
}

// AnyComponentPod tells whether a pod of a component exists, or may exist because its controller has not yet seen that none is wanted.
func (e *Environment) AnyComponentPod() bool {
	for _, w := range e.Components {
		if w.Wanted > 0 || w.Replicas > 0 || !w.Current {
			return true
		}
	}
	for component, n := range e.Pods {
		if n > 0 && !naming.IsReserved(component) {
			return true
		}
	}
	return false
}

// DeclaredToRun tells whether the components are. One that is to have no pods is a sign that they are being stopped.
func (e *Environment) DeclaredToRun() bool {
	for _, w := range e.Components {
		if w.Wanted == 0 {
			return false
		}
	}
	return len(e.Components) > 0
}

// RunPod tells whether a pod of a backup or a restore is there, which needs the database.
func (e *Environment) RunPod() bool {
	return e.Pods[naming.ComponentBackup]+e.Pods[naming.ComponentRestore] > 0
}
