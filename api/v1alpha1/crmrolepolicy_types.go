package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// CRMRolePolicy declares who may do what in the CRM itself, in the terms of the class's catalogue.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=crmrolepolicies,shortName=crmrp,categories=crm
// +kubebuilder:printcolumn:name="Drift",type=string,JSONPath=`.spec.drift`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="RolesEnforced")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')",message="metadata.name: at most 63 characters and no dots"
type CRMRolePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata of the object.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// spec is what the tenant's admin declares.
	// +required
	Spec CRMRolePolicySpec `json:"spec,omitzero"`
	// status is what was seen.
	// +optional
	Status CRMRolePolicyStatus `json:"status,omitzero"`
}

// CRMRolePolicySpec declares roles and who holds them. What no role grants is denied.
// +kubebuilder:validation:XValidation:rule="!has(self.bindings) || self.bindings.all(b, self.roles.exists(r, r.name == b.role))",message="bindings.role: must be the name of one of roles"
// +kubebuilder:validation:XValidation:rule="self.roles.all(r, !has(r.inherits) || r.inherits.all(i, i != r.name && self.roles.exists(o, o.name == i)))",message="roles.inherits: must be the name of another one of roles"
// +kubebuilder:validation:XValidation:rule="!has(self.separation) || self.separation.all(s, s.roles.all(n, self.roles.exists(r, r.name == n)))",message="separation.roles: must be the names of roles"
type CRMRolePolicySpec struct {
	// environments of the same namespace that the policy holds in.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=20
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`
	Environments []string `json:"environments"`
	// roles of the policy.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	Roles []Role `json:"roles"`
	// bindings say who holds which role.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	Bindings []RoleBinding `json:"bindings,omitempty"`
	// people say what else the CRM shows of those who are bound than the name that they log in with. Of several policies that speak of one
	// person, the first by name decides. Who is bound nowhere is none.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1000
	People []PolicyPerson `json:"people,omitempty"`
	// separation lists roles that no one person may hold together.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Separation []SeparationOfDuties `json:"separation,omitempty"`
	// drift says what becomes of changes made in the CRM's own screens. Unset: Revert.
	// +optional
	// +kubebuilder:validation:Enum=Revert;Report
	Drift string `json:"drift,omitempty"`
	// unknownAccounts says what becomes of accounts that no binding names. Unset: Report.
	// +optional
	// +kubebuilder:validation:Enum=Deactivate;Report
	UnknownAccounts string `json:"unknownAccounts,omitempty"`
}

// Role is a set of rights.
type Role struct {
	// name of the role.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	Name string `json:"name"`
	// inherits lists roles of the same policy whose rights this one has too.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	Inherits []string `json:"inherits,omitempty"`
	// rules of the role.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Rules []RoleRule `json:"rules,omitempty"`
	// export says what may leave the CRM in bulk. Unset: nothing.
	// +optional
	Export *ExportRule `json:"export,omitempty"`
	// session bounds how the role's people are logged in.
	// +optional
	Session *SessionRule `json:"session,omitempty"`
}

// RoleRule grants verbs on objects.
type RoleRule struct {
	// objects of the class's catalogue.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	Objects []string `json:"objects"`
	// verbs that are granted.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=6
	Verbs []Verb `json:"verbs"`
	// scope of the records. Unset: Own.
	// +optional
	// +kubebuilder:validation:Enum=Own;Team;All
	Scope string `json:"scope,omitempty"`
	// fields that are treated in another way than the rest of the object.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Fields []FieldRule `json:"fields,omitempty"`
}

// Verb is something to do with records.
// +kubebuilder:validation:Enum=read;create;update;delete;export;import
type Verb string

// FieldRule limits fields. It names them by exactly one of name and sensitivity.
// +kubebuilder:validation:ExactlyOneOf=name;sensitivity
type FieldRule struct {
	// name of a field of the catalogue.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name,omitempty"`
	// sensitivity of the fields.
	// +optional
	Sensitivity Sensitivity `json:"sensitivity,omitempty"`
	// access that is left.
	// +required
	// +kubebuilder:validation:Enum=Hidden;ReadOnly;Masked
	Access string `json:"access"`
}

// ExportRule says what may leave the CRM in bulk.
// +kubebuilder:validation:XValidation:rule="self.mode == 'Limited' || !has(self.maxRows)",message="maxRows: only with mode Limited"
type ExportRule struct {
	// mode of exports.
	// +required
	// +kubebuilder:validation:Enum=Deny;Limited;Allow
	Mode string `json:"mode"`
	// maxRows of one export.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MaxRows *int32 `json:"maxRows,omitempty"`
}

// SessionRule bounds sessions.
type SessionRule struct {
	// idleSeconds after which a session ends.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=86400
	IdleSeconds *int64 `json:"idleSeconds,omitempty"`
	// maxSeconds that a session lasts.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	MaxSeconds *int64 `json:"maxSeconds,omitempty"`
}

// RoleBinding gives a role to people.
type RoleBinding struct {
	// role that is given.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Role string `json:"role"`
	// subjects who hold the role.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=500
	Subjects []Subject `json:"subjects"`
	// expiresAt is when the binding ends by itself.
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
	// reason of the binding.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	Reason string `json:"reason,omitempty"`
}

// PolicyPerson is what the CRM shows of a person.
type PolicyPerson struct {
	// name that the person logs in with, as in bindings.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name"`
	// displayName in the CRM's screens. Unset: name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[\p{L}\p{M}\p{N}\p{P}\p{S}]([\p{L}\p{M}\p{N}\p{P}\p{S} ]*[\p{L}\p{M}\p{N}\p{P}\p{S}])?$`
	DisplayName string `json:"displayName,omitempty"`
	// email address. Unset: name, if that is an address.
	// +optional
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`
	Email string `json:"email,omitempty"`
}

// SeparationOfDuties lists roles that no one person may hold together.
type SeparationOfDuties struct {
	// name of the rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name"`
	// roles of which one person may hold one only.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	Roles []string `json:"roles"`
}

// CRMRolePolicyStatus is what was seen of a policy.
type CRMRolePolicyStatus struct {
	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// conditions are Ready, Reconciling, Stalled, RolesEnforced.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// roles of the policy, with how far they are enforced.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Roles []PolicyRoleStatus `json:"roles,omitempty"`
	// notEnforced are rules that are not enforced as declared in an environment, with the reason. Where the policy is enforced, a rule that none of
	// them is about is enforced as declared. Of more than 200 the first are listed; roles counts all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=200
	NotEnforced []NotEnforcedRule `json:"notEnforced,omitempty"`
	// environments that the policy names, as they are.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Environments []PolicyEnvironmentStatus `json:"environments,omitempty"`
}

// PolicyRoleStatus says how far a role is enforced in the environments of its policy together.
type PolicyRoleStatus struct {
	// name of the role.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Name string `json:"name"`
	// state of the role: NotEnforceable if one of the environments cannot enforce all of it as declared, else Pending if one of them does not have the
	// policy as it is declared now, else Enforced.
	// +required
	State RuleState `json:"state"`
	// rules of the role, with those that it inherits, that are enforced as declared in every environment. None while one of them does not have the
	// policy as it is declared now.
	// +required
	// +kubebuilder:validation:Minimum=0
	Rules int32 `json:"rules"`
	// notEnforced counts the rules of the role, with those that it inherits, that some entry of status.notEnforced is about.
	// +required
	// +kubebuilder:validation:Minimum=0
	NotEnforced int32 `json:"notEnforced"`
}

// RuleState says how a rule is enforced.
// +kubebuilder:validation:Enum=Pending;Enforced;EnforcedByGateway;NotEnforceable
type RuleState string

// States of a rule.
const (
	// RulePending is not in the CRM yet, as it is declared now.
	RulePending RuleState = "Pending"
	// RuleEnforced is enforced by the CRM itself, as declared.
	RuleEnforced RuleState = "Enforced"
	// RuleEnforcedByGateway is reserved for what a gateway in front of the CRM enforces. Nothing sets it.
	RuleEnforcedByGateway RuleState = "EnforcedByGateway"
	// RuleNotEnforceable cannot be enforced as declared; the reason says what holds in its place.
	RuleNotEnforceable RuleState = "NotEnforceable"
)

// NotEnforcedRule is what of a role an environment does not enforce as declared.
type NotEnforcedRule struct {
	// environment where it is not enforced.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	Environment string `json:"environment"`
	// role of the rule.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	Role string `json:"role"`
	// objects of the catalogue that the role's rules are not enforced for as declared. Unset: it is about the role as a whole.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=40
	Objects []string `json:"objects,omitempty"`
	// state of the rule there.
	// +required
	State RuleState `json:"state"`
	// reason why not, and what to do.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=500
	Reason string `json:"reason"`
}

// PolicyEnvironmentStatus says what became of a policy in one environment.
type PolicyEnvironmentStatus struct {
	// name of the CRMEnvironment.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=20
	Name string `json:"name"`
	// state of the policy there.
	// +required
	State AccessPolicyState `json:"state"`
	// message says why it is not enforced.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	Message string `json:"message,omitempty"`
}

// CRMRolePolicyList is a list of CRMRolePolicies.
// +kubebuilder:object:root=true
type CRMRolePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CRMRolePolicy `json:"items"`
}
