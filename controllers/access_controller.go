package controllers

import (
	"context"
	"math/rand/v2"
	"net"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/vault"
)

const (
	// accessInterval is how often a CRM is compared with its plan when nothing else calls for it.
	accessInterval = 5 * time.Minute
	// accessConcurrency is how many CRMs are worked on at once: a pass mostly waits for one, and leavers of all of them are to be out in seconds.
	accessConcurrency = 64
	// accessShare of them is what one tenant's CRMs take at most, and those of all tenants that did not answer last. What answers can be slow on
	// purpose.
	accessShare = 32
	// accessShareDelay is when to ask again for a place.
	accessShareDelay = time.Second
	// accessTimeout of a pass. What it has not come to is done by the next.
	accessTimeout = 5 * time.Minute
	// accessWriteTimeout is for the status of a pass whose time was over.
	accessWriteTimeout = 10 * time.Second
	// accessWrites bounds how often a status is folded anew because somebody else has written one.
	accessWrites = 5
)

// AccessVault is what the controller of access asks of Vault.
type AccessVault interface {
	Authorities(ctx context.Context) ([]byte, error)
	AdapterAccount(ctx context.Context, namespace string) (login string, password secret.String, err error)
	Invite(ctx context.Context, namespace string, i vault.Invitation) error
	ForgetInvitation(ctx context.Context, namespace, login string) error
}

// Access brings role policies to CRMs, by the adapters of their classes. Of a CRMEnvironment it writes status.access and the condition that follows
// from it.
type Access struct {
	Client   client.Client
	Observer *observe.Observer
	Status   StatusWriter
	Vault    AccessVault
	// Reviews are kept of the CRM's accounts when somebody asks for one.
	Reviews Reviews
	// Uncached reads the newest version of an environment whose status somebody else has written meanwhile.
	Uncached client.Reader
	// Adapters of this build, by name.
	Adapters map[string]access.Adapter
	// Dial connects to the address of a Service.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Interval at which a CRM is compared with its plan when nothing else calls for it.
	Interval time.Duration
	Clock    *clock.Clock

	memory   *accessMemory
	shares   shares
	readings readings
}

// accessWork is one pass over an environment.
type accessWork struct {
	env   *v1alpha1.CRMEnvironment
	began status.AccessBeginning
	seen  *facts.Access
	in    decide.Input
	d     decide.Decision
	// failed is why the CRM is not as planned; nil when it is, or was not looked at.
	failed error
}

// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments,verbs=get;list;watch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmenvironments/status,verbs=patch
// +kubebuilder:rbac:groups=crmkeep.io,resources=crmrolepolicies;crmclasses;crmrestores,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=list;watch

// Reconcile takes one environment's CRM to its role policies. A failure of the CRM's is in the status and no error: the next pass is soon.
func (r *Access) Reconcile(ctx context.Context, env *v1alpha1.CRMEnvironment) (ctrl.Result, error) {
	if status.IsNew(env.Status.Conditions) {
		return ctrl.Result{}, nil // Its first status is to say that work has begun; the watch calls then.
	}
	w := &accessWork{env: env, began: status.BeginAccess(env)}
	var err error
	if w.seen, err = r.Observer.Access(ctx, env); err != nil {
		return ctrl.Result{}, err
	}
	r.decide(w)
	if !w.d.Governed && env.Status.Access == nil {
		return ctrl.Result{}, nil
	}
	if err := r.want(ctx, w); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	if w.failed = w.d.NotRunning; w.d.Mode == "" || w.failed != nil || !r.due(w) {
		return r.again(w), nil
	}
	places := placesOf(w.env)
	if !r.shares.take(places...) {
		return ctrl.Result{RequeueAfter: accessShareDelay}, nil
	}
	defer r.shares.give(places...)
	if err := r.bring(ctx, w); err != nil {
		return conclude(client.IgnoreNotFound(err))
	}
	return r.again(w), nil
}

// decide from what was last known of the CRM's names.
func (r *Access) decide(w *accessWork) {
	w.in = decide.Input{Environment: w.env, Seen: w.seen, Adapters: r.Adapters, Now: r.Clock.Now()}
	if a := w.env.Status.Access; a != nil {
		w.in.Catalogue, w.in.UnknownNames = a.Catalogue, a.UnknownNames
	}
	w.d = decide.Decide(w.in)
}

// want writes what is wanted, and who is to leave, before the CRM is called.
func (r *Access) want(ctx context.Context, w *accessWork) error {
	before := r.memory.recall(w.env.UID).Before
	leaving := decide.Leaving(before, w.in, &w.d)
	next := status.AccessWanted(w.env, &w.d, leaving, metav1.NewTime(w.in.Now))
	if err := r.Status.Environment(ctx, w.env, next); err != nil {
		return err
	}
	a := w.env.Status.Access
	enforced := a != nil && a.EnforcedAt != nil && a.PlanDigest == w.d.Digest
	r.memory.decided(w.env.UID, &w.d, enforced, w.in.Now)
	return nil
}

// due tells whether the CRM has to be called: something is open, or nobody has looked for a while.
func (r *Access) due(w *accessWork) bool {
	a, m := w.env.Status.Access, r.memory.recall(w.env.UID)
	return question(w.env) != "" || m.plan != planKey(&w.d) || !time.Now().Before(m.until) || w.d.LookUp || decide.AnyLeaving(a) || a.ClosedSince != nil ||
		a.Failure != nil && w.d.Failure == nil
}

// planKey tells plans apart. That of ModePutOut has people and no roles.
func planKey(d *decide.Decision) string {
	if d.Mode == access.ModePutOut {
		return string(d.Mode) + " " + d.Plan.Digest()
	}
	return d.Digest
}

// again says when to look again. What changes in the cluster is told by watches.
func (r *Access) again(w *accessWork) ctrl.Result {
	now, result := r.Clock.Now(), ctrl.Result{}
	if next := w.d.Next; !next.IsZero() {
		result = sooner(result, max(next.Sub(now), conflictDelay))
	}
	switch {
	case w.d.Mode == "":
	case w.failed != nil:
		result = sooner(result, status.AccessRetry(w.env.Status.Access, w.failed, now))
	default:
		result = sooner(result, max(time.Until(r.memory.recall(w.env.UID).until), conflictDelay))
	}
	return result
}

// spread is the interval, a tenth shorter or longer: CRMs that were looked at together at a start are not for ever.
func (r *Access) spread() time.Duration {
	return r.Interval*9/10 + rand.N(r.Interval/5) //nolint:gosec // jitter
}

// write folds what came of a pass into the newest status. It must not be lost when somebody else writes at the same time, or when the pass
// has run out of time: who is out is reported once.
func (r *Access) write(ctx context.Context, w *accessWork, fold func(*v1alpha1.CRMEnvironment) v1alpha1.CRMEnvironmentStatus) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accessWriteTimeout)
	defer cancel()
	var err error
	for range accessWrites {
		if err = r.Status.Environment(ctx, w.env, fold(w.env)); !apierrors.IsConflict(err) {
			return err
		}
		newest := &v1alpha1.CRMEnvironment{}
		if err := r.Uncached.Get(ctx, client.ObjectKeyFromObject(w.env), newest); err != nil {
			return err
		}
		w.env = newest
	}
	return err
}

// SetupWithManager registers the controller.
func (r *Access) SetupWithManager(mgr ctrl.Manager) error {
	r.memory = newAccessMemory()
	o := options()
	o.MaxConcurrentReconciles, o.ReconciliationTimeout = accessConcurrency, accessTimeout
	return ctrl.NewControllerManagedBy(mgr).Named("access").
		For(&v1alpha1.CRMEnvironment{}, builder.WithPredicates(accessCalledFor())).
		Watches(&v1alpha1.CRMRolePolicy{}, handler.EnqueueRequestsFromMapFunc(environmentsOfPolicy), builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMClass{}, handler.EnqueueRequestsFromMapFunc(r.environmentsOfClass), builder.WithPredicates(declarationChanged())).
		Watches(&v1alpha1.CRMRestore{}, handler.EnqueueRequestsFromMapFunc(environmentOfRestore), builder.WithPredicates(restoreBeganOrEnded())).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(environmentOfLabels), builder.WithPredicates(becameReady())).
		WithOptions(o).
		Complete(reconcile.AsReconciler(mgr.GetClient(), r))
}

func (r *Access) environmentsOfClass(ctx context.Context, o client.Object) []reconcile.Request {
	return environmentsIn(ctx, r.Client, client.MatchingFields{IndexClass: o.GetName()}, anyOfThem)
}

var _ reconcile.ObjectReconciler[*v1alpha1.CRMEnvironment] = (*Access)(nil)
