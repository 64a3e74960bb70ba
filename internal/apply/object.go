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
	"k8s.io/utils/ptr"

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
	// Field of the declaration that this object follows from, for the message when the API server does not accept it; empty where no one
	// field decides.
	Field string
}

// RefOf is what a declared object will be called. It fails when the declaration is incomplete.
func RefOf(object Object) (Ref, error) {
	if named, ok := object.Configuration.(identified); ok {
		return refOf(head{
			APIVersion: ptr.Deref(named.GetAPIVersion(), ""), Kind: ptr.Deref(named.GetKind(), ""),
			Metadata: headMetadata{Name: ptr.Deref(named.GetName(), ""), Namespace: ptr.Deref(named.GetNamespace(), "")},
		})
	}
	d, err := declareOne(object)
	if err != nil {
		return Ref{}, err
	}
	return d.ref, nil
}

// identified is what generated apply configurations can say of themselves without being encoded.
type identified interface {
	GetAPIVersion() *string
	GetKind() *string
	GetName() *string
	GetNamespace() *string
}

// head is what is read of every declaration. The rest is decoded only when something is to be compared or written.
type head struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   headMetadata `json:"metadata"`
}

type headMetadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

func (h head) gvk() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(h.APIVersion, h.Kind)
}

func refOf(h head) (Ref, error) {
	gvk := h.gvk()
	if gvk.Kind == "" || gvk.Version == "" || h.Metadata.Name == "" {
		return Ref{}, errors.New("apiVersion, kind and name are required")
	}
	return RefTo(gvk.GroupKind(), types.NamespacedName{Namespace: h.Metadata.Namespace, Name: h.Metadata.Name}), nil
}

// declaration is an Object in the form that the API server will see.
type declaration struct {
	ref        Ref
	gvk        schema.GroupVersionKind
	owner      Owner
	hash       string
	encoded    []byte
	createOnly bool
	field      string
	// decoded is encoded with the hash in an annotation, once it was asked for.
	decoded *unstructured.Unstructured
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
	var h head
	if err := json.Unmarshal(encoded, &h); err != nil {
		return nil, fmt.Errorf("decoding the declaration: %w", err)
	}
	ref, err := refOf(h)
	if err != nil {
		return nil, err
	}
	owner, err := ownerOf(h.Metadata.Labels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	return &declaration{ref: ref, gvk: h.gvk(), owner: owner, hash: digest(encoded), encoded: encoded, createOnly: object.CreateOnly, field: object.Field}, nil
}

// content is what the API server is to hold. Callers only read it; a declaration is worked on by one goroutine at a time.
func (d *declaration) content() (*unstructured.Unstructured, error) {
	if d.decoded != nil {
		return d.decoded, nil
	}
	content := &unstructured.Unstructured{}
	if err := json.Unmarshal(d.encoded, &content.Object); err != nil {
		return nil, fmt.Errorf("decoding the declaration of %s: %w", d.ref, err)
	}
	if err := unstructured.SetNestedField(content.Object, d.hash, "metadata", "annotations", naming.AnnotationHash); err != nil {
		return nil, fmt.Errorf("%s: %w", d.ref, err)
	}
	d.decoded = content
	return content, nil
}

// neverVersion is a resourceVersion that no object can have: an empty etcd is at revision 1, and its first write makes 2.
const neverVersion = "1"

// create makes a request for an object that must not exist. By the version the API server refuses it with a conflict if it does, in
// the same transaction in which it would create it.
func create(request *unstructured.Unstructured) { request.SetResourceVersion(neverVersion) }

// update makes a request for an object that was seen. It fails when the name was taken anew.
func update(uid types.UID) func(*unstructured.Unstructured) {
	return func(request *unstructured.Unstructured) { request.SetUID(uid) }
}

// digest tells declarations of one object apart: a field that is no longer declared shows in nothing else.
func digest(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}
