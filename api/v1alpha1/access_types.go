package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BreakGlass lets the CRM's own administrator, whom role policies lock out, log in for a while.
type BreakGlass struct {
	// by is the user name of whoever opens: the user who writes this field.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	By string `json:"by"`
	// reason that an auditor will read.
	// +required
	// +kubebuilder:validation:MinLength=10
	// +kubebuilder:validation:MaxLength=500
	Reason string `json:"reason"`
	// expiresAt is when the administrator is locked out again: at most 24 hours from now.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt,omitzero"`
}

// AccessStatus says what of the role policies holds in an environment's CRM.
type AccessStatus struct {
	// policies that hold in the environment.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	Policies []AccessPolicyStatus `json:"policies,omitempty"`
	// planDigest of what the policies come to now.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	PlanDigest string `json:"planDigest,omitempty"`
	// askedAt is when that was first wanted.
	// +optional
	AskedAt *metav1.Time `json:"askedAt,omitempty"`
	// enforcedAt is when the CRM was first seen to be as planDigest says. Unset: not yet.
	// +optional
	EnforcedAt *metav1.Time `json:"enforcedAt,omitempty"`
	// closedSince is when people were last kept out until the roles hold: the CRM was stopped, or its data replaced. Unset: they are let in.
	// +optional
	ClosedSince *metav1.Time `json:"closedSince,omitempty"`
	// administrator says whether the CRM's own administrator can log in. Unset: not touched yet, or the class has none.
	// +optional
	Administrator AdministratorState `json:"administrator,omitempty"`
	// people who hold a role.
	// +optional
	People int32 `json:"people,omitempty"`
	// drift that was found in the CRM and not reverted, at most twenty differences.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Drift []AccessDifference `json:"drift,omitempty"`
	// unknownAccounts can log in without any policy naming them, at most fifty.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=200
	UnknownAccounts []string `json:"unknownAccounts,omitempty"`
	// unknownNames are native models and fields of the class's catalogue that the CRM does not have, at most fifty.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MaxLength=200
	UnknownNames []string `json:"unknownNames,omitempty"`
	// catalogue is the class and version that unknownNames were looked up for.
	// +optional
	// +kubebuilder:validation:MaxLength=200
	Catalogue string `json:"catalogue,omitempty"`
	// notEnforced counts the rules that the CRM does not enforce as they are declared; the policies' status lists them.
	// +optional
	NotEnforced int32 `json:"notEnforced,omitempty"`
	// leavers who were put out, or are to be, newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Leavers []LeaverStatus `json:"leavers,omitempty"`
	// failure is why the CRM could not be brought to the plan the last time. Unset: it could.
	// +optional
	Failure *AccessFailure `json:"failure,omitempty"`
	// reviewed is the value of the annotation crmkeep.io/review that was last answered.
	// +optional
	// +kubebuilder:validation:MaxLength=100
	Reviewed string `json:"reviewed,omitempty"`
}

// AdministratorState says whether the CRM's own administrator can log in.
// +kubebuilder:validation:Enum=Locked;Open
type AdministratorState string

// States of the CRM's own administrator.
const (
	// AdministratorLocked cannot log in.
	AdministratorLocked AdministratorState = "Locked"
	// AdministratorOpen can log in.
	AdministratorOpen AdministratorState = "Open"
)

// AccessPolicyStatus says what became of a policy in an environment.
type AccessPolicyStatus struct {
	// name of the CRMRolePolicy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// generation that this speaks of.
	// +required
	Generation int64 `json:"generation"`
	// state of the policy.
	// +required
	State AccessPolicyState `json:"state"`
	// message says why it is refused.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	Message string `json:"message,omitempty"`
}

// AccessPolicyState says what became of a policy in an environment.
// +kubebuilder:validation:Enum=Pending;Enforced;Refused
type AccessPolicyState string

// States of a policy in an environment.
const (
	// AccessPending is not in the CRM yet.
	AccessPending AccessPolicyState = "Pending"
	// AccessEnforced is in the CRM, but for what notEnforced lists.
	AccessEnforced AccessPolicyState = "Enforced"
	// AccessRefused means nothing, or something forbidden: nothing of it is applied.
	AccessRefused AccessPolicyState = "Refused"
)

// AccessDifference is a difference between a CRM and its plan.
type AccessDifference struct {
	// subject that differs, such as "role sales.rep" or "account li.na@acme.example".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=300
	Subject string `json:"subject"`
	// found in the CRM. Unset: nothing.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	Found string `json:"found,omitempty"`
	// planned in its place. Unset: nothing.
	// +optional
	// +kubebuilder:validation:MaxLength=300
	Planned string `json:"planned,omitempty"`
}

// LeaverStatus says how a person was put out.
type LeaverStatus struct {
	// name of the person's account.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Name string `json:"name"`
	// askedAt is when the last binding ended.
	// +required
	AskedAt metav1.Time `json:"askedAt,omitzero"`
	// doneAt is when account, sessions and API keys were closed. Unset: not yet; failure says why.
	// +optional
	DoneAt *metav1.Time `json:"doneAt,omitempty"`
}

// AccessFailure is why a CRM could not be brought to its plan.
type AccessFailure struct {
	// reason in one word, as in conditions.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	Reason string `json:"reason"`
	// message for people.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2000
	Message string `json:"message"`
	// since when it fails for this reason. A CRM that refuses and one that does not answer fail for the same.
	// +required
	Since metav1.Time `json:"since,omitzero"`
}
