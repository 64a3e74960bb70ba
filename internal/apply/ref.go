package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Ref identifies an object. It has no version, because an object is the same one in every version of its API.
type Ref struct {
	Group     string
	Kind      string
	Namespace string
	Name      string
}

// RefTo makes a Ref. The namespace of a cluster-scoped object is empty.
func RefTo(kind schema.GroupKind, key types.NamespacedName) Ref {
	return Ref{Group: kind.Group, Kind: kind.Kind, Namespace: key.Namespace, Name: key.Name}
}

// GroupKind is the object's kind.
func (r Ref) GroupKind() schema.GroupKind { return schema.GroupKind{Group: r.Group, Kind: r.Kind} }

// Key is the object's namespace and name.
func (r Ref) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
}

// String reads as it would in a sentence: "Deployment crm-acme--prod/web", "Namespace crm-acme".
func (r Ref) String() string {
	if r.Namespace == "" {
		return fmt.Sprintf("%s %s", r.Kind, r.Name)
	}
	return fmt.Sprintf("%s %s/%s", r.Kind, r.Namespace, r.Name)
}
