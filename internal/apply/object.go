package apply

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Object is one declared object.
type Object struct {
	// Configuration is a typed apply configuration with apiVersion, kind, name and the labels of its [Owner]. It is only read.
	Configuration runtime.ApplyConfiguration
	// CreateOnly keeps an object of ours as it is once it exists. It is for Jobs: their template cannot be changed and their
	// names are derived from their content, so another content is another Job. Everything else is kept as declared; a claim may
	// grow, and a change that its API forbids is an error that names the field.
	CreateOnly bool
}

// RefOf is what a declared object will be called. It fails when the declaration is incomplete.
func RefOf(object Object) (Ref, error) {
	d, err := declareOne(object)
	if err != nil {
		return Ref{}, err
	}
	return d.ref, nil
}

// declaration is an Object in the form that the API server will see.
type declaration struct {
	ref        Ref
	gvk        schema.GroupVersionKind
	owner      Owner
	hash       string
	content    *unstructured.Unstructured
	createOnly bool
}

// declare prepares all objects and fails when one is incomplete or two declare the same one, which would never come to rest.
func declare(objects []Object) ([]*declaration, error) {
	declarations := make([]*declaration, 0, len(objects))
	seen := make(map[Ref]bool, len(objects))
	for i, object := range objects {
		d, err := declareOne(object)
		if err != nil {
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
		if seen[d.ref] {
			return nil, fmt.Errorf("%s is declared twice", d.ref)
		}
		seen[d.ref] = true
		declarations = append(declarations, d)
	}
	return declarations, nil
}

func declareOne(object Object) (*declaration, error) {
	encoded, err := json.Marshal(object.Configuration)
	if err != nil {
		return nil, fmt.Errorf("encoding the declaration: %w", err)
	}
	content := &unstructured.Unstructured{}
	if err := json.Unmarshal(encoded, &content.Object); err != nil {
		return nil, fmt.Errorf("decoding the declaration: %w", err)
	}
	gvk := content.GroupVersionKind()
	if gvk.Kind == "" || gvk.Version == "" || content.GetName() == "" {
		return nil, errors.New("apiVersion, kind and name are required")
	}
	ref := RefTo(gvk.GroupKind(), types.NamespacedName{Namespace: content.GetNamespace(), Name: content.GetName()})
	owner, err := ownerOf(content.GetLabels())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}

	hash := digest(encoded)
	if err := unstructured.SetNestedField(content.Object, hash, "metadata", "annotations", naming.AnnotationHash); err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return &declaration{ref: ref, gvk: gvk, owner: owner, hash: hash, content: content, createOnly: object.CreateOnly}, nil
}

// neverVersion is a resourceVersion that no object can have: an empty etcd is at revision 1, and its first write makes 2.
const neverVersion = "1"

// create is what to send for an object that must not exist. By the version the API server refuses it with a conflict if it does, in
// the same transaction in which it would create it.
func (d *declaration) create() *unstructured.Unstructured {
	request := d.content.DeepCopy()
	request.SetResourceVersion(neverVersion)
	return request
}

// update is what to send for an object that was seen. It fails when the name was taken anew.
func (d *declaration) update(uid types.UID) *unstructured.Unstructured {
	request := d.content.DeepCopy()
	request.SetUID(uid)
	return request
}

// digest tells declarations of one object apart: a field that is no longer declared shows in nothing else.
func digest(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}
