package apply

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Owner says whose an object is. The labels of every object that crmkeep makes carry it.
type Owner struct {
	// Tenant is the CRMTenant's name; required.
	Tenant string
	// Environment is the CRMEnvironment's name; empty for what belongs to the tenant itself.
	Environment string
}

func ownerOf(declared map[string]string) (Owner, error) {
	if declared[naming.LabelManagedBy] != naming.ManagedBy {
		return Owner{}, fmt.Errorf("label %s must be %s", naming.LabelManagedBy, naming.ManagedBy)
	}
	owner := Owner{Tenant: declared[naming.LabelTenant], Environment: declared[naming.LabelEnvironment]}
	return owner, owner.validate()
}

func (o Owner) validate() error {
	if o.Tenant == "" {
		return fmt.Errorf("label %s is missing", naming.LabelTenant)
	}
	return nil
}

// ownership tells whether a live object is an owner's.
type ownership int

const (
	// foreign: somebody else's. Never touched.
	foreign ownership = iota
	// stripped: ours by managedFields, though it lost a label of ours; applying restores it.
	stripped
	// owned: it carries the owner's labels.
	owned
)

// check judges by labels. A label can be lost by a careless edit, and then the entry that every apply of ours leaves in
// managedFields is the proof; but a label with another value always makes the object somebody else's.
func (o Owner) check(live metav1.Object) ownership {
	have := live.GetLabels()
	result := owned
	for key, want := range o.labels() {
		got, ok := have[key]
		switch {
		case ok && got != want:
			return foreign
		case !ok && want != "":
			result = stripped
		}
	}
	if result == stripped && !appliedByUs(live) {
		return foreign
	}
	return result
}

// labels has an empty environment for a tenant's own objects, so that those of an environment do not match.
func (o Owner) labels() map[string]string {
	return map[string]string{
		naming.LabelManagedBy:   naming.ManagedBy,
		naming.LabelTenant:      o.Tenant,
		naming.LabelEnvironment: o.Environment,
	}
}

// selector matches the owner's objects that have none of the labels.
func (o Owner) selector(without ...string) (labels.Selector, error) {
	selector, want := labels.NewSelector(), o.labels()
	for _, key := range without {
		want[key] = ""
	}
	for key, value := range want {
		operator, values := selection.Equals, []string{value}
		if value == "" {
			operator, values = selection.DoesNotExist, nil
		}
		requirement, err := labels.NewRequirement(key, operator, values)
		if err != nil {
			return nil, err
		}
		selector = selector.Add(*requirement)
	}
	return selector, nil
}

func appliedByUs(live metav1.Object) bool {
	return slices.ContainsFunc(live.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == naming.FieldOwner && entry.Operation == metav1.ManagedFieldsOperationApply
	})
}

// String gives the labels that name the owner, as kubectl label takes them.
func (o Owner) String() string {
	text := naming.LabelTenant + "=" + o.Tenant
	if o.Environment != "" {
		text += " " + naming.LabelEnvironment + "=" + o.Environment
	}
	return text
}
