// Package v1alpha1 holds crmkeep's kinds: what is declared for a tenant, its environments, roles and backups.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +kubebuilder:ac:output:package=applyconfiguration
// +groupName=crmkeep.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SchemeGroupVersion is crmkeep.io/v1alpha1.
var SchemeGroupVersion = schema.GroupVersion{Group: "crmkeep.io", Version: "v1alpha1"}

// AddToScheme registers the kinds.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(SchemeGroupVersion,
		&CRMClass{}, &CRMClassList{}, &CRMTenant{}, &CRMTenantList{}, &CRMEnvironment{}, &CRMEnvironmentList{},
		&CRMRolePolicy{}, &CRMRolePolicyList{}, &CRMBackupLocation{}, &CRMBackupLocationList{},
		&CRMBackupSchedule{}, &CRMBackupScheduleList{}, &CRMBackup{}, &CRMBackupList{}, &CRMRestore{}, &CRMRestoreList{})
	metav1.AddToGroupVersion(s, SchemeGroupVersion)
	return nil
}
