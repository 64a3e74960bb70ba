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

// CronExpression has five fields, or one of @hourly, @daily, @weekly, @monthly and @yearly.
// +kubebuilder:validation:MinLength=6
// +kubebuilder:validation:MaxLength=100
// +kubebuilder:validation:Pattern=`^(@(hourly|daily|weekly|monthly|yearly)|[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,?-]+){4})$`
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
