package apply

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/naming"
)

// Prune deletes the owner's objects of the kinds in the namespace that are not to be kept (see [RefOf]), and returns them. It looks in
// the cache and deletes only the version that it saw there; one that changed meanwhile is an error and is looked at again on the next pass.
// Claims, volumes and namespaces lead to data and are refused. A kind that the cluster does not have has nothing to prune. What exists for
// a run (see [naming.LabelRun]) is kept: it comes and goes with the run.
func (a *Applier) Prune(ctx context.Context, owner Owner, namespace string, kinds []schema.GroupVersionKind, keep sets.Set[Ref]) ([]Write, error) {
	return a.prune(ctx, owner, namespace, kinds, keep, naming.LabelRun)
}

// PruneWithRuns is Prune, but what exists for a run goes as well: for the end of the environment.
func (a *Applier) PruneWithRuns(ctx context.Context, owner Owner, namespace string, kinds []schema.GroupVersionKind, keep sets.Set[Ref]) ([]Write, error) {
	return a.prune(ctx, owner, namespace, kinds, keep)
}

// prune leaves out the objects that have one of the labels.
func (a *Applier) prune(
	ctx context.Context, owner Owner, namespace string, kinds []schema.GroupVersionKind, keep sets.Set[Ref], without ...string,
) ([]Write, error) {
	if err := owner.validate(); err != nil {
		return nil, err
	}
	if namespace == "" {
		return nil, errors.New("pruning needs a namespace")
	}
	selector, err := owner.selector(without...)
	if err != nil {
		return nil, err
	}
	var writes []Write
	var errs []error
	for _, gvk := range kinds {
		surplus, err := a.surplus(ctx, selector, namespace, gvk, keep)
		errs = append(errs, err)
		for _, object := range surplus {
			ref := RefTo(gvk.GroupKind(), client.ObjectKeyFromObject(object))
			deleted, err := a.remove(ctx, ref, gvk.Version, object)
			if deleted {
				writes = append(writes, Write{Verb: VerbDelete, Ref: ref})
			}
			errs = append(errs, err)
		}
	}
	return writes, errors.Join(errs...)
}

// Delete deletes one object of the owner, of any kind, after asking the API server. It tells whether the object is gone; one
// that waits for finalizers is not and is not deleted twice. Somebody else's object is a NameClash and stays.
func (a *Applier) Delete(ctx context.Context, owner Owner, gvk schema.GroupVersionKind, key types.NamespacedName) (gone bool, err error) {
	if err := owner.validate(); err != nil {
		return false, err
	}
	ref := RefTo(gvk.GroupKind(), key)
	live, err := a.ask(ctx, ref, gvk.Version)
	switch {
	case err != nil:
		return false, err
	case live == nil:
		return true, nil
	case owner.check(live) == foreign:
		return false, clash(ref, owner)
	case live.DeletionTimestamp != nil:
		return false, nil
	}
	_, err = a.remove(ctx, ref, gvk.Version, live)
	return false, err
}

// surplus lists what is selected, is not kept and is not already on its way out.
func (a *Applier) surplus(
	ctx context.Context, selector labels.Selector, namespace string, gvk schema.GroupVersionKind, keep sets.Set[Ref],
) ([]client.Object, error) {
	if leadsToData(gvk.GroupKind()) {
		return nil, fmt.Errorf("%s is never pruned", gvk.Kind)
	}
	list, err := a.list(ctx, selector, namespace, gvk)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s in %s: %w", gvk.Kind, namespace, err)
	}
	var surplus []client.Object
	err = meta.EachListItem(list, func(item runtime.Object) error {
		object, ok := item.(client.Object)
		if !ok {
			return fmt.Errorf("%T has no metadata", item)
		}
		kept := keep.Has(RefTo(gvk.GroupKind(), client.ObjectKeyFromObject(object)))
		if !kept && object.GetDeletionTimestamp() == nil {
			surplus = append(surplus, object)
		}
		return nil
	})
	return surplus, err
}

func (a *Applier) list(ctx context.Context, selector labels.Selector, namespace string, gvk schema.GroupVersionKind) (client.ObjectList, error) {
	list, err := a.emptyList(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	if err != nil {
		return nil, err
	}
	return list, a.client.List(ctx, list, client.InNamespace(namespace),
		client.MatchingLabelsSelector{Selector: selector}, client.UnsafeDisableDeepCopy)
}

func (a *Applier) emptyList(gvk schema.GroupVersionKind) (client.ObjectList, error) {
	if !a.scheme.Recognizes(gvk) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk)
		return list, nil
	}
	object, err := a.scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	list, ok := object.(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%s is not a list", gvk)
	}
	return list, nil
}

// remove deletes exactly the version of the object that was seen. Its dependents, such as a Job's pods, follow in the background.
func (a *Applier) remove(ctx context.Context, ref Ref, version string, seen metav1.Object) (deleted bool, err error) {
	target := &metav1.PartialObjectMetadata{}
	target.SetGroupVersionKind(ref.GroupKind().WithVersion(version))
	target.SetNamespace(ref.Namespace)
	target.SetName(ref.Name)
	uid, resourceVersion := seen.GetUID(), seen.GetResourceVersion()
	err = a.client.Delete(ctx, target,
		client.Preconditions{UID: &uid, ResourceVersion: &resourceVersion},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("deleting %s: %w", ref, err)
	}
	return true, nil
}

func leadsToData(kind schema.GroupKind) bool {
	if kind.Group != corev1.GroupName {
		return false
	}
	switch kind.Kind {
	case "Namespace", "PersistentVolume", "PersistentVolumeClaim":
		return true
	}
	return false
}
