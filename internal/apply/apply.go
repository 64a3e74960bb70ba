package apply

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

const (
	// maxParallel bounds the writes that one tenant has under way, however many environments of it are worked on.
	maxParallel = 8
	// fewParallel is the bound while the tenant gives way to one that has a single environment worked on.
	fewParallel = 2
	// recheck is when to look again at what no watch may tell of: a foreign object, or one that is on its way out.
	recheck = 30 * time.Second
)

// Client is what an Applier needs of the manager's client. Its reads come from the cache.
type Client interface {
	client.Reader
	Apply(ctx context.Context, configuration runtime.ApplyConfiguration, options ...client.ApplyOption) error
	Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error
}

// Getter reads one object.
type Getter interface {
	Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error
}

// Applier writes objects. It is safe for concurrent use; one serves all controllers.
type Applier struct {
	client  Client
	server  Getter
	scheme  *runtime.Scheme
	compare *comparer
	settled *settled
	lanes   *lanes
}

// New makes an Applier. The client reads from caches that hold every object with our managed-by label, and server asks the API
// server itself, for metadata only. Kinds that the scheme does not know are read as unstructured, so the client's cache must be
// on for those, or each read is a request.
func New(cached Client, server Getter, scheme *runtime.Scheme) *Applier {
	return &Applier{
		client: cached, server: server, scheme: scheme, compare: newComparer(scheme), settled: newSettled(), lanes: newLanes(maxParallel, fewParallel),
	}
}

// Begin tells that one of a tenant's environments is worked on until end is called. Tenants with several give way to those with one.
func (a *Applier) Begin(tenant string) (end func()) { return a.lanes.begin(tenant) }

// Apply brings the objects to their declarations and writes only what is not. Namespaces come first, then what confines pods, then
// workloads; within such a phase writes go in parallel, and the next one starts only if all of them succeeded.
//
// The error joins what failed in the order of the objects. For an object that is somebody else's or is being deleted it is an
// [outcome.Waiting], for one that the API server finds invalid an [outcome.Invalid] naming the fields. Both leave it untouched.
func (a *Applier) Apply(ctx context.Context, objects []Object) (Result, error) {
	declarations, err := declare(objects)
	if err != nil {
		return Result{}, err
	}
	var result Result
	var phases [phaseCount][]*declaration
	for _, d := range declarations {
		p := phaseOf(d.gvk.GroupKind())
		phases[p] = append(phases[p], d)
	}
	for _, phase := range phases {
		if err := a.applyPhase(ctx, phase, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// applyPhase does what the cache can answer first and in place, so that a pass without writes starts no goroutine.
func (a *Applier) applyPhase(ctx context.Context, declarations []*declaration, result *Result) error {
	reports := make([]report, len(declarations))
	var group errgroup.Group
	group.SetLimit(maxParallel)
	for i, d := range declarations {
		seen, holds, err := a.inspect(ctx, d)
		if err != nil || holds {
			reports[i].err = err
			continue
		}
		group.Go(func() error {
			reports[i] = a.bring(ctx, d, seen)
			return nil
		})
	}
	_ = group.Wait() // Errors are in the reports.
	return result.add(declarations, reports)
}

// inspect looks at the cached object. Nil means that the API server must be asked: it is not there, or not evidently ours.
func (a *Applier) inspect(ctx context.Context, d *declaration) (seen client.Object, holds bool, err error) {
	live, err := a.read(ctx, d)
	switch {
	case apierrors.IsNotFound(err):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("reading %s: %w", d.ref, err)
	case d.owner.check(live) != owned:
		return nil, false, nil
	case live.GetDeletionTimestamp() != nil:
		return nil, false, beingDeleted(d.ref)
	case d.createOnly, a.settled.has(d, live.GetResourceVersion()):
		return live, true, nil
	}
	holds, err = a.compare.holds(d, live)
	if holds {
		a.settled.add(d, live.GetResourceVersion())
	}
	return live, holds, err
}

// read shares the cache's memory: nothing in this package changes what it has read.
func (a *Applier) read(ctx context.Context, d *declaration) (client.Object, error) {
	live, err := a.empty(d)
	if err != nil {
		return nil, err
	}
	if err := a.client.Get(ctx, d.ref.Key(), live, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	// The cache leaves the kind out of typed objects. An unstructured one has it, in a map that is the cache's own.
	if live.GetObjectKind().GroupVersionKind().Empty() {
		live.GetObjectKind().SetGroupVersionKind(d.gvk)
	}
	return live, nil
}

func (a *Applier) empty(d *declaration) (client.Object, error) {
	if !a.scheme.Recognizes(d.gvk) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(d.gvk)
		return object, nil
	}
	object, err := a.scheme.New(d.gvk)
	if err != nil {
		return nil, err
	}
	typed, ok := object.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is not an object with metadata", d.gvk)
	}
	return typed, nil
}

// bring writes one object. What the cache has not shown is created, on the condition that it does not exist: for that the API server
// need not be asked first. Only when it does exist is it looked at.
func (a *Applier) bring(ctx context.Context, d *declaration, seen client.Object) report {
	leave, err := a.lanes.enter(ctx, d.owner.Tenant)
	if err != nil {
		return report{err: err}
	}
	defer leave()
	if seen != nil {
		return a.write(ctx, d, VerbUpdate, update(seen.GetUID()))
	}
	created := a.write(ctx, d, VerbCreate, create)
	if !apierrors.IsConflict(created.err) {
		return created
	}
	live, err := a.ask(ctx, d.ref, d.gvk.Version)
	if err != nil {
		return report{err: err}
	}
	if live == nil {
		return created // It was deleted meanwhile; the conflict brings the pass back.
	}
	if write, err := mayUpdate(d, live); err != nil || !write {
		return report{err: err}
	}
	return a.write(ctx, d, VerbUpdate, update(live.UID))
}

// mayUpdate judges an object that the API server has and the cache has not. When it carries the hash of this very declaration,
// the cache is only late: its event brings the object back, to be compared then.
func mayUpdate(d *declaration, live *metav1.PartialObjectMetadata) (bool, error) {
	ownership := d.owner.check(live)
	switch {
	case ownership == foreign:
		return false, clash(d.ref, d.owner)
	case live.DeletionTimestamp != nil:
		return false, beingDeleted(d.ref)
	case ownership == stripped:
		return true, nil
	}
	return !d.createOnly && live.Annotations[naming.AnnotationHash] != d.hash, nil
}

// ask reads an object's metadata from the API server; nil when there is none.
func (a *Applier) ask(ctx context.Context, ref Ref, version string) (*metav1.PartialObjectMetadata, error) {
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(ref.GroupKind().WithVersion(version))
	err := a.server.Get(ctx, ref.Key(), live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the metadata of %s: %w", ref, err)
	}
	return live, nil
}

func (a *Applier) write(ctx context.Context, d *declaration, verb Verb, condition func(*unstructured.Unstructured)) report {
	content, err := d.content()
	if err != nil {
		return report{err: err}
	}
	request := content.DeepCopy()
	condition(request)
	configuration := client.ApplyConfigurationFromUnstructured(request)
	if err := a.client.Apply(ctx, configuration, client.FieldOwner(naming.FieldOwner), client.ForceOwnership); err != nil {
		return report{err: refusal(d, err)}
	}
	asDeclared, err := a.compare.settle(d, request)
	if err != nil {
		return report{verb: verb, err: err}
	}
	a.settled.add(d, request.GetResourceVersion())
	return report{verb: verb, overruled: !asDeclared}
}

func clash(ref Ref, owner Owner) error {
	return outcome.Wait(v1alpha1.ReasonNameClash, recheck,
		"%s exists and is not crmkeep's. Rename or delete it, or hand it over by giving it the labels %s=%s and %s",
		ref, naming.LabelManagedBy, naming.ManagedBy, owner)
}

func beingDeleted(ref Ref) error {
	return outcome.Wait(v1alpha1.ReasonDeleting, recheck,
		"%s is being deleted and is made anew once it is gone. If it stays, see its metadata.finalizers", ref)
}
