package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// teardownPoll is when to look again at what ends by itself and no watch tells of.
const teardownPoll = 2 * time.Second

// teardown takes an environment apart, in an order in which it can be interrupted anywhere: people and pods first, then logins,
// then, if it was asked for, data and keys.
func (r *Environments) teardown(ctx context.Context, env *v1alpha1.CRMEnvironment) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(env, naming.FinalizerEnvironment) {
		return ctrl.Result{}, nil
	}
	waits, err := r.finalBackup(ctx, env)
	if waits != nil {
		return r.pass(ctx, env, waits)
	}
	if err == nil {
		err = r.takeApart(ctx, env)
	}
	if err == nil {
		return conclude(r.release(ctx, env))
	}
	if err := r.Status.Environment(ctx, env, status.Deleting(env, err, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return conclude(err)
}

func (r *Environments) release(ctx context.Context, env *v1alpha1.CRMEnvironment) error {
	base := env.DeepCopy()
	controllerutil.RemoveFinalizer(env, naming.FinalizerEnvironment)
	return client.IgnoreNotFound(r.Client.Patch(ctx, env, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})))
}

func (r *Environments) takeApart(ctx context.Context, env *v1alpha1.CRMEnvironment) error {
	tenant, ok := naming.TenantOfHome(env.Namespace)
	if !ok || env.Status.Namespace == "" {
		return nil // Nothing was ever made for it.
	}
	policy, err := r.deletionPolicy(ctx, env)
	if err != nil {
		return err
	}
	gone := teardown.Environment{Tenant: tenant, Name: env.Name, Namespace: env.Status.Namespace, Settings: r.Settings}
	owner := apply.Owner{Tenant: tenant, Environment: env.Name}
	if err := r.stop(ctx, gone, owner); err != nil {
		return err
	}
	r.Keys.Forget(gone.Layout())
	r.Observer.Certificates.Forget(env.UID)
	if err := r.Keys.Vault.Remove(ctx, gone.Layout()); err != nil {
		return err
	}
	return r.dispose(ctx, env, gone, owner, policy)
}

// dispose deals with the data and the keys when nothing runs any more.
func (r *Environments) dispose(
	ctx context.Context, env *v1alpha1.CRMEnvironment, gone teardown.Environment, owner apply.Owner, policy v1alpha1.DeletionPolicy,
) error {
	switch {
	case env.Spec.Purpose == v1alpha1.PurposeDrill:
		return r.discard(ctx, gone, owner)
	case policy == v1alpha1.DeletionRetain:
		return r.tellKept(ctx, env, gone, policy)
	case policy == v1alpha1.DeletionShred:
		if err := r.shred(ctx, env, gone); err != nil {
			return err
		}
	}
	if err := r.deleteNamespace(ctx, gone, owner); err != nil || policy == v1alpha1.DeletionShred {
		return err
	}
	return r.tellKept(ctx, env, gone, policy)
}

// tellKept writes down, and by that tells in an event in the home namespace, where that is which stays.
func (r *Environments) tellKept(ctx context.Context, env *v1alpha1.CRMEnvironment, gone teardown.Environment, policy v1alpha1.DeletionPolicy) error {
	backups, err := r.Observer.Backups(ctx, env.Namespace)
	if err != nil {
		return err
	}
	locations, err := r.Observer.BackupLocations(ctx)
	if err != nil {
		return err
	}
	kept := gone.Whereabouts(policy, gone.MadeWith(env, backups), locations)
	return r.Status.Environment(ctx, env, status.Retained(env, kept, metav1.NewTime(r.Clock.Now())))
}

// discard leaves nothing of a drill. The signed result of the drill tells of it, by another environment's key.
func (r *Environments) discard(ctx context.Context, gone teardown.Environment, owner apply.Owner) error {
	if err := r.deleteNamespace(ctx, gone, owner); err != nil {
		return err
	}
	if err := r.Keys.Vault.Shred(ctx, gone.Layout()); err != nil {
		return err
	}
	return r.Keys.Vault.DestroyEvidence(ctx, gone.Layout())
}

// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=crmenvironments.crmkeep.io,verbs=get

// deletionPolicy is Retain whatever is declared when the environment goes because something around it goes: nobody who deletes a
// CustomResourceDefinition or a home namespace has asked for the data of every tenant to be destroyed.
// A drill is a copy and goes whatever happens.
func (r *Environments) deletionPolicy(ctx context.Context, env *v1alpha1.CRMEnvironment) (v1alpha1.DeletionPolicy, error) {
	declared := validate.DeletionPolicy(env)
	if declared == v1alpha1.DeletionRetain || env.Spec.Purpose == v1alpha1.PurposeDrill {
		return declared, nil
	}
	if goes, err := r.surroundingsGo(ctx, env); err != nil {
		return "", err
	} else if goes {
		return v1alpha1.DeletionRetain, nil
	}
	return declared, nil
}

// surroundingsGo tells whether the environment's CustomResourceDefinition or home namespace is being deleted.
func (r *Environments) surroundingsGo(ctx context.Context, env *v1alpha1.CRMEnvironment) (bool, error) {
	for _, around := range []struct {
		kind metav1.TypeMeta
		name string
	}{
		{metav1.TypeMeta{APIVersion: apiextensionsv1.SchemeGroupVersion.String(), Kind: "CustomResourceDefinition"}, "crmenvironments." + naming.Group},
		{metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, env.Namespace},
	} {
		o := metav1.PartialObjectMetadata{TypeMeta: around.kind}
		err := r.Uncached.Get(ctx, types.NamespacedName{Name: around.name}, &o)
		if err != nil && !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("asking whether %s %s is being deleted: %w", around.kind.Kind, around.name, err)
		}
		if err != nil || o.DeletionTimestamp != nil {
			return true, nil
		}
	}
	return false, nil
}

// stop ends everything that runs. The policies that isolate the namespace go last, with the namespace.
func (r *Environments) stop(ctx context.Context, gone teardown.Environment, owner apply.Owner) error {
	keep, err := references(gone.Kept())
	if err != nil {
		return err
	}
	deleted, err := r.Applier.PruneWithRuns(ctx, owner, gone.Namespace, r.prunable(), keep)
	if err != nil {
		return err
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(gone.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the pods that still run: %w", err)
	}
	if n := len(pods.Items); n > 0 || len(deleted) > 0 {
		return outcome.Wait(v1alpha1.ReasonStopping, teardownPoll, "waiting for %d pods to end", n)
	}
	return nil
}

// shred waits out the hold, destroys the key, and leaves a certificate in the home namespace.
func (r *Environments) shred(ctx context.Context, env *v1alpha1.CRMEnvironment, gone teardown.Environment) error {
	if err := r.holdShred(env); err != nil {
		return err
	}
	name := teardown.CertificateName(env)
	existing := metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}}
	err := r.Uncached.Get(ctx, types.NamespacedName{Namespace: env.Namespace, Name: name}, &existing)
	if client.IgnoreNotFound(err) != nil || existing.Labels[naming.LabelManagedBy] == naming.ManagedBy {
		return err
	}
	// Not there, or somebody else's, which is no proof of anything.
	if err := r.noteKey(ctx, env, gone); err != nil {
		return err
	}
	if err := r.Keys.Vault.Shred(ctx, gone.Layout()); err != nil {
		return err
	}
	all, err := r.Observer.Backups(ctx, env.Namespace)
	if err != nil {
		return err
	}
	backups := gone.MadeWith(env, all)
	if err := r.writeOff(ctx, backups); err != nil {
		return err
	}
	return r.certify(ctx, env, gone, backups)
}

// holdShred waits for the end of the hold that was declared.
func (r *Environments) holdShred(env *v1alpha1.CRMEnvironment) error {
	s := env.Spec.Shred
	if s == nil || s.HoldSeconds == nil || *s.HoldSeconds == 0 {
		return nil
	}
	at := env.DeletionTimestamp.Add(time.Duration(*s.HoldSeconds) * time.Second)
	if wait := at.Sub(r.Clock.Now()); wait > 0 {
		return outcome.Wait(v1alpha1.ReasonShredHold, wait,
			"the key is destroyed at %s; until then set spec.deletionPolicy to Retain to keep the data", at.UTC().Format(time.RFC3339))
	}
	return r.Clock.Agree()
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackups/status,verbs=patch

// writeOff says of each backup that nobody can read it any more.
func (r *Environments) writeOff(ctx context.Context, backups []v1alpha1.CRMBackup) error {
	for i := range backups {
		b := &backups[i]
		err := r.Status.Backup(ctx, b, status.BackupDestroyed(b, metav1.NewTime(r.Clock.Now())))
		if client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

// noteKey writes down what the certificate has to say of the key, as long as there is one to ask about.
func (r *Environments) noteKey(ctx context.Context, env *v1alpha1.CRMEnvironment, gone teardown.Environment) error {
	have, err := r.Keys.Vault.Observe(ctx, gone.Layout())
	if err != nil || have.EncryptionKey == nil {
		return err
	}
	noted := encryption(have)
	next := env.Status.DeepCopy()
	if known := next.Encryption; known != nil && noted.KeyCreated == nil {
		noted.KeyCreated = known.KeyCreated // Vault no longer tells of versions that were archived.
	}
	next.Encryption = &noted
	return r.Status.Environment(ctx, env, *next)
}

// certify may be repeated until the certificate is there: the evidence key outlives the shred.
func (r *Environments) certify(
	ctx context.Context, env *v1alpha1.CRMEnvironment, gone teardown.Environment, backups []v1alpha1.CRMBackup,
) error {
	tenant := &v1alpha1.CRMTenant{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: gone.Tenant}, tenant); client.IgnoreNotFound(err) != nil {
		return err
	}
	text, err := gone.Statement(env, tenant, backups, r.Clock.Now()).Encode()
	if err != nil {
		return err
	}
	signed, err := sign(ctx, r.Keys.Vault, gone.Layout(), text)
	if err != nil {
		return err
	}
	certificate, err := gone.Certificate(env, signed)
	if err != nil {
		return err
	}
	_, err = r.Applier.Apply(ctx, []apply.Object{apply.Object(certificate)})
	return err
}

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=delete

// deleteNamespace deletes the volumes with the namespace, which must be gone before the name is free again.
func (r *Environments) deleteNamespace(ctx context.Context, gone teardown.Environment, owner apply.Owner) error {
	done, err := r.Applier.Delete(ctx, owner, corev1.SchemeGroupVersion.WithKind("Namespace"), types.NamespacedName{Name: gone.Namespace})
	if err == nil && !done {
		return outcome.Wait(v1alpha1.ReasonDeleting, teardownPoll, "waiting for namespace %s and its volumes to be gone", gone.Namespace)
	}
	if w, ok := outcome.AsWaiting(err); ok && w.Reason == v1alpha1.ReasonNameClash {
		return nil // Somebody else's namespace took the name; what was ours is gone.
	}
	return err
}
