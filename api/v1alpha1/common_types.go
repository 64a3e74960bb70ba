package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// Purpose says what an environment is for. What is safe by default follows from it.
// +kubebuilder:validation:Enum=Production;Staging;Test;Development;Sandbox;Drill
type Purpose string

// Purposes of an environment.
const (
	// PurposeProduction holds real customers' data: retained when deleted, unless it is written otherwise.
	PurposeProduction Purpose = "Production"
	// PurposeStaging is a copy to rehearse changes on.
	PurposeStaging Purpose = "Staging"
	// PurposeTest is for tests with data of no value.
	PurposeTest Purpose = "Test"
	// PurposeDevelopment is for building.
	PurposeDevelopment Purpose = "Development"
	// PurposeSandbox is short-lived; a TTL is for sandboxes and drills only.
	PurposeSandbox Purpose = "Sandbox"
	// PurposeDrill is made by a schedule to prove a backup, and shredded when that is done. Nobody else can declare it. It needs no
	// approval and no place in the tenant's list of purposes; in the tenant's limits it counts.
	PurposeDrill Purpose = "Drill"
)

// SizeName is a preset of replicas, resources and storage that the class fills in.
// +kubebuilder:validation:Enum=Small;Medium;Large
type SizeName string

// DataClassification is how sensitive a tenant's data is.
// +kubebuilder:validation:Enum=Public;Internal;Confidential;Restricted
type DataClassification string

// Data classifications, least sensitive first.
const (
	ClassificationPublic       DataClassification = "Public"
	ClassificationInternal     DataClassification = "Internal"
	ClassificationConfidential DataClassification = "Confidential"
	ClassificationRestricted   DataClassification = "Restricted"
)

// Region is a place of data, such as "cn-east-1". Regions are compared as text.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=40
// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
type Region string

// VaultPath is a path of a kv version 2 secret below crmkeep's mount, without a leading slash.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=200
// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_-]+(/[a-zA-Z0-9_-]+)*$`
type VaultPath string

// CronExpression has five fields, or is one of @hourly, @daily, @weekly, @monthly and @yearly. What it takes means something to every cron.
// The last rule compares the ends of ranges: a name stands in its list at three times its number, weekdays thirteen numbers later.
// +kubebuilder:validation:MinLength=6
// +kubebuilder:validation:MaxLength=100
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() == 5 || self in ['@hourly', '@daily', '@weekly', '@monthly', '@yearly']",message="must be five fields with one space between them (minute, hour, day of the month, month, weekday), or one of @hourly, @daily, @weekly, @monthly and @yearly"
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[0].split(',').all(part, part.matches('^([*?]|0*[1-5]?[0-9](-0*[1-5]?[0-9])?)(/0*[1-9][0-9]{0,3})?$'))",message="minute, the first field: *, 0 to 59, a range such as 10-20, a step such as */15, or a list of these with commas"
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[1].split(',').all(part, part.matches('^([*?]|0*(1?[0-9]|2[0-3])(-0*(1?[0-9]|2[0-3]))?)(/0*[1-9][0-9]{0,3})?$'))",message="hour, the second field: *, 0 to 23, a range such as 9-17, a step such as */6, or a list of these with commas"
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[2].split(',').all(part, part.matches('^([*?]|0*([1-9]|[12][0-9]|3[01])(-0*([1-9]|[12][0-9]|3[01]))?)(/0*[1-9][0-9]{0,3})?$'))",message="day of the month, the third field: *, 1 to 31, a range such as 1-7, a step such as */10, or a list of these with commas"
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[3].split(',').all(part, part.matches('(?i)^([*?]|(0*([1-9]|1[0-2])|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(-(0*([1-9]|1[0-2])|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))?)(/0*[1-9][0-9]{0,3})?$'))",message="month, the fourth field: *, 1 to 12 or JAN to DEC, a range such as 4-9, a step such as */3, or a list of these with commas"
// +kubebuilder:validation:XValidation:rule="self.split(' ').size() != 5 || self.split(' ')[4].split(',').all(part, part.matches('(?i)^([*?]|(0*[0-6]|sun|mon|tue|wed|thu|fri|sat)(-(0*[0-6]|sun|mon|tue|wed|thu|fri|sat))?)(/0*[1-9][0-9]{0,3})?$'))",message="weekday, the fifth field: *, 0 (Sunday) to 6 or SUN to SAT, a range such as MON-FRI, a step such as */2, or a list of these with commas"
// +kubebuilder:validation:XValidation:rule="self.findAll('[0-9A-Za-z]+-[0-9A-Za-z]+').all(r, [r.split('-')[0], r.split('-')[1]].map(v, v.matches('^[0-9]{1,9}$') ? int(v) : ('---janfebmaraprmayjunjulaugsepoctnovdecsunmontuewedthufrisat'.indexOf(v.lowerAscii()) / 3) % 13).isSorted())",message="a range goes from low to high: write 22-23,0-5 for 22-5"
type CronExpression string

// Subject is a user or group of the cluster's authentication.
type Subject struct {
	// kind of the subject.
	// +required
	// +kubebuilder:validation:Enum=User;Group
	Kind string `json:"kind"`
	// name of the subject, as the cluster's authentication gives it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name"`
}

// ClassReference names a CRMClass.
type ClassReference struct {
	// name of the CRMClass.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Name string `json:"name"`
}

// LocalReference names an object of a known kind in the same namespace.
type LocalReference struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Name string `json:"name"`
}

// ComputeResources are the CPU and memory of one pod. Memory is also its limit.
type ComputeResources struct {
	// cpu that a pod is promised.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// memory that a pod is promised and may not exceed.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
}
