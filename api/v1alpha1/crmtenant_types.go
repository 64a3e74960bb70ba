package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CRMTenant is an organisation whose customer data crmkeep keeps. It gets a home namespace in which its admins write.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=crmt,categories=crm
// +kubebuilder:printcolumn:name="Classification",type=string,JSONPath=`.spec.dataClassification`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Environments",type=integer,JSONPath=`.status.environments`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 24",message="metadata.name: at most 24 characters, so that every name made from it fits"
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$') && !self.metadata.name.contains('--')",message="metadata.name: lower-case letters, digits and single dashes only, starting with a letter"
type CRMTenant struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object. The name is part of every derived name and cannot contain dots or "--".
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what the platform declares for the tenant.
	// +required
	Spec CRMTenantSpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMTenantStatus `json:"status,omitzero"`
}

// CRMTenantSpec is what the platform declares for a tenant.
type CRMTenantSpec struct {
	// displayName is how people call the organisation.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	DisplayName string `json:"displayName"`
	// owner is the person answerable for the tenant's customer data.
	// +required
	Owner Person `json:"owner,omitzero"`
	// admins may write the namespaced kinds in the tenant's home namespace. Nobody when empty.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(s, !(s.name in ['system:authenticated', 'system:unauthenticated', 'system:anonymous', 'system:serviceaccounts']))",message="stands for everybody; name people or groups"
	Admins []Subject `json:"admins,omitempty"`
	// auditors may read the namespaced kinds in the tenant's home namespace.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(s, !(s.name in ['system:authenticated', 'system:unauthenticated', 'system:anonymous', 'system:serviceaccounts']))",message="stands for everybody; name people or groups"
	Auditors []Subject `json:"auditors,omitempty"`
	// dataClassification is how sensitive the tenant's data is.
	// +required
	DataClassification DataClassification `json:"dataClassification"`
	// region is where the tenant's data belongs. It cannot be changed: moving data is a procedure, not an edit.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot be changed: restore a backup into a tenant of the other region instead"
	Region Region `json:"region"`
	// limits bound what the tenant's environments may ask for, all together. Unset limits nothing.
	// +optional
	Limits *TenantLimits `json:"limits,omitempty"`
	// approvals say which environments need somebody's approval before anything is made for them.
	// +optional
	Approvals *TenantApprovals `json:"approvals,omitempty"`
	// hostnameDomains are the DNS domains of which the tenant may use names. Unset: any name that no other environment has.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=200
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`
	HostnameDomains []string `json:"hostnameDomains,omitempty"`
	// backupLocations are the CRMBackupLocations that the tenant may use, in the regions that its data may be in. Unset: every location there.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	BackupLocations []string `json:"backupLocations,omitempty"`
	// transfers are regions other than the tenant's own to which its backups may go, each with the reason.
	// +optional
	// +listType=map
	// +listMapKey=region
	// +kubebuilder:validation:MaxItems=16
	Transfers []RegionTransfer `json:"transfers,omitempty"`
}

// Person is somebody answerable.
type Person struct {
	// name of the person.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Name string `json:"name"`
	// email address of the person.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:Pattern=`^[^@\s]+@[^@\s]+$`
	Email string `json:"email"`
}

// TenantLimits bound all environments of a tenant together.
type TenantLimits struct {
	// environments is how many may exist.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Environments *int32 `json:"environments,omitempty"`
	// cpu is the sum of what all pods are promised.
	// +optional
	CPU *resource.Quantity `json:"cpu,omitempty"`
	// memory is the sum of what all pods may use.
	// +optional
	Memory *resource.Quantity `json:"memory,omitempty"`
	// storage is the sum of all volumes.
	// +optional
	Storage *resource.Quantity `json:"storage,omitempty"`
	// classes are the CRMClasses that may be used. Unset: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Classes []string `json:"classes,omitempty"`
	// purposes that may be used. Unset: all.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Purposes []Purpose `json:"purposes,omitempty"`
}

// TenantApprovals say what needs approval.
type TenantApprovals struct {
	// purposes of which every environment needs approval, by somebody with the verb "approve" on crmenvironments.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	Purposes []Purpose `json:"purposes"`
}

// RegionTransfer lets backups leave the tenant's region.
type RegionTransfer struct {
	// region that backups may go to.
	// +required
	Region Region `json:"region"`
	// reason why this is allowed, such as the number of the transfer's filing.
	// +required
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=500
	Reason string `json:"reason"`
}

// CRMTenantStatus is what was seen of a tenant.
type CRMTenantStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled, NamespaceReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// namespace is the tenant's home namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// environments is how many environments the tenant has.
	// +optional
	Environments *int32 `json:"environments,omitempty"`
}

// CRMTenantList is a list of CRMTenants.
// +kubebuilder:object:root=true
type CRMTenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMTenant `json:"items"`
}
