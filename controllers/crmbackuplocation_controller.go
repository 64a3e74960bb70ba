package controllers

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/plan/backup"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/validate"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	// lookEvery is how often a location is looked at that was as declared.
	lookEvery = 10 * time.Minute
	// lookEveryLocked is the same for one that keeps every probe for as long as its object lock lasts.
	lookEveryLocked = time.Hour
	// firstLookAgain and lastLookAgain are how often one is looked at that was not, or could not be tried out.
	firstLookAgain = 2 * time.Second
	lastLookAgain  = time.Minute
	// probeFolder is beside the environments' repositories, none of which can have that name.
	probeFolder = "probe"
)

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackuplocations,verbs=get;list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmbackuplocations/status,verbs=patch

// Locations says of each CRMBackupLocation whether backups can go there.
type Locations struct {
	Client client.Client
	Status StatusWriter
	// Layout says where in Vault the credentials are.
	Layout   layout.Settings
	Observer observe.Locations
	Clock    *clock.Clock
}

// Reconcile looks at one location.
func (r *Locations) Reconcile(ctx context.Context, l *v1alpha1.CRMBackupLocation) (ctrl.Result, error) {
	if status.IsNew(l.Status.Conditions) {
		next := l.Status.DeepCopy()
		next.Conditions = status.Started(next.Conditions, l.Generation, metav1.NewTime(r.Clock.Now()))
		if err := r.Status.Location(ctx, l, *next); err != nil {
			return conclude(client.IgnoreNotFound(err))
		}
	}
	looked := r.look(ctx, l)
	if err := r.Status.Location(ctx, l, status.Location(l, looked, metav1.NewTime(r.Clock.Now()))); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	result, err := conclude(looked)
	if err == nil && result.IsZero() {
		result.RequeueAfter = nextLook(l, r.Clock.Now())
	}
	return result, err
}

func (r *Locations) look(ctx context.Context, l *v1alpha1.CRMBackupLocation) error {
	if err := validate.LocationItself(l); err != nil {
		return err
	}
	var lock *store.Lock
	if o := l.Spec.ObjectLock; o != nil {
		lock = &store.Lock{Mode: o.Mode, Days: int(o.Days)}
	}
	probe := string(l.UID) + "-" + strconv.FormatInt(r.Clock.Now().UnixNano(), 10)
	return r.Observer.Try(ctx, backup.Location(r.Layout, l, probeFolder), probe, lock)
}

// nextLook is soon after something went wrong, and then after as long as it has been wrong.
func nextLook(l *v1alpha1.CRMBackupLocation, now time.Time) time.Duration {
	every := lookEvery
	if l.Spec.ObjectLock != nil {
		every = lookEveryLocked
	}
	if ready := meta.FindStatusCondition(l.Status.Conditions, v1alpha1.ConditionReady); ready.Status != metav1.ConditionTrue {
		every = min(max(now.Sub(ready.LastTransitionTime.Time), firstLookAgain), lastLookAgain)
	}
	return every + rand.N(every/5) //nolint:gosec // jitter
}

// SetupWithManager registers the controller.
func (r *Locations) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.CRMBackupLocation{}, builder.WithPredicates(declarationChanged())).
		WithOptions(options()).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMBackupLocation] = (*Locations)(nil)
