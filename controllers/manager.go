package controllers

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/adapters"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/clock"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// IndexClass is the cache's index of environments by class.
const (
	IndexClass    = "spec.classRef.name"
	indexHostname = observe.IndexHostname
)

const (
	// concurrency of each controller. More only queues at the API server: see docs/explanation/scale.md.
	concurrency = 8
	// tenantConcurrency is how many of one tenant's environments are worked on at once.
	tenantConcurrency = 6
	// reconcileTimeout ends a pass that hangs, such as on a Vault that accepts connections and does not answer.
	reconcileTimeout = 2 * time.Minute
	// firstRetry and lastRetry bound the back-off after transient errors.
	firstRetry = 200 * time.Millisecond
	lastRetry  = time.Minute
)

// Options of the manager's process.
type Options struct {
	MetricsAddress string
	HealthAddress  string
	// ProfileAddress is where to serve Go's profiles; empty for nowhere. They tell how the process works, so it must be local.
	ProfileAddress string
	LeaderElection bool
	// Namespace of the lease. Empty: the pod's own.
	Namespace string
	// SharedProcess lets other managers run in the same process, as in tests: the names of their controllers are the same.
	SharedProcess bool
	// Dial connects to the address of a Service. Nil: as the network does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Adapters that classes can name. Nil: those of this build.
	Adapters map[string]access.Adapter
	// AccessInterval is how often a CRM is compared with its role policies when nothing else calls for it. Zero: five minutes.
	AccessInterval time.Duration
}

func (o Options) withDefaults() Options {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Adapters == nil {
		o.Adapters = adapters.All()
	}
	o.AccessInterval = cmp.Or(o.AccessInterval, accessInterval)
	return o
}

// NewManager makes a manager with all controllers.
func NewManager(cluster *rest.Config, o Options, s settings.Settings, vault Vault) (ctrl.Manager, error) {
	scheme, err := Scheme()
	if err != nil {
		return nil, err
	}
	// One client for all workers; the API server's own fairness is what limits it.
	cluster = rest.CopyConfig(cluster)
	cluster.QPS = -1
	clock := new(clock.Clock)
	clock.Follow(cluster)
	mgr, err := ctrl.NewManager(cluster, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         caches(),
		NewCache:                      newCache,
		Client:                        client.Options{FieldOwner: naming.FieldOwner, FieldValidation: "Strict", Cache: &client.CacheOptions{Unstructured: true}},
		Metrics:                       metricsserver.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress:        o.HealthAddress,
		PprofBindAddress:              o.ProfileAddress,
		LeaderElection:                o.LeaderElection,
		LeaderElectionID:              naming.FieldOwner,
		LeaderElectionNamespace:       o.Namespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    config.Controller{SkipNameValidation: &o.SharedProcess},
	})
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := register(mgr, o.withDefaults(), s, vault, clock); err != nil {
		return nil, err
	}
	if err := mgr.Add(manager.RunnableFunc(serveMetrics(mgr.GetClient()))); err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}

// serveMetrics tells of the statuses for as long as this process leads, so that only one of its replicas does.
func serveMetrics(cached client.Reader) func(context.Context) error {
	return func(ctx context.Context) error {
		collector := metrics.NewCollector(cached)
		if err := ctrlmetrics.Registry.Register(collector); err != nil {
			return fmt.Errorf("registering the metrics: %w", err)
		}
		<-ctx.Done()
		ctrlmetrics.Registry.Unregister(collector)
		return nil
	}
}

// Scheme knows Kubernetes' kinds and ours.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	return scheme, v1alpha1.AddToScheme(scheme)
}

// caches hold only what crmkeep made, and of it nothing that no decision needs.
func caches() cache.Options {
	by := make(map[client.Object]cache.ByObject)
	for _, kind := range []client.Object{
		&corev1.Namespace{}, &corev1.ResourceQuota{}, &corev1.LimitRange{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{},
		&corev1.Service{}, &corev1.PersistentVolumeClaim{}, &networkingv1.NetworkPolicy{}, &networkingv1.Ingress{},
		&policyv1.PodDisruptionBudget{}, &appsv1.Deployment{}, &appsv1.StatefulSet{}, &batchv1.Job{}, &batchv1.CronJob{},
		&rbacv1.RoleBinding{}, &corev1.Pod{},
	} {
		by[kind] = ours()
	}
	return cache.Options{ByObject: by, DefaultTransform: observe.NewSharing().Slim}
}

func ours() cache.ByObject {
	return cache.ByObject{Label: labels.SelectorFromSet(labels.Set{naming.LabelManagedBy: naming.ManagedBy})}
}

// newCache leaves other people's HTTPRoutes out, too, in a cluster that has the kind: naming one that it does not have is an error.
func newCache(config *rest.Config, o cache.Options) (cache.Cache, error) {
	_, err := o.Mapper.RESTMapping(httpRoutes.GroupKind(), httpRoutes.Version)
	switch {
	case err == nil:
		o.ByObject[anHTTPRoute()] = ours()
	case !meta.IsNoMatchError(err):
		return nil, fmt.Errorf("asking for HTTPRoutes: %w", err)
	}
	return cache.New(config, o)
}

func register(mgr ctrl.Manager, o Options, s settings.Settings, vault Vault, clock *clock.Clock) error {
	if err := index(mgr); err != nil {
		return err
	}
	applier := apply.New(mgr.GetClient(), mgr.GetAPIReader(), mgr.GetScheme())
	writer := NewStatusWriter(mgr.GetClient(), mgr.GetEventRecorder(naming.FieldOwner))
	certificates := observe.NewCertificates(vault.Authorities, o.Dial, time.Now)
	if err := mgr.Add(certificates); err != nil {
		return err
	}
	observer := &observe.Observer{
		Reader: mgr.GetClient(), Uncached: mgr.GetAPIReader(), Mapper: mgr.GetRESTMapper(),
		CertificateTTL: time.Duration(s.CertificateTTLSeconds) * time.Second,
		Certificates:   certificates,
	}
	environments := &Environments{
		Client: mgr.GetClient(), Applier: applier, Settings: s, Status: writer, Uncached: mgr.GetAPIReader(), Clock: clock,
		Observer: observer, Keys: &Keys{Vault: vault},
	}
	if err := environments.SetupWithManager(mgr); err != nil {
		return err
	}
	access := &Access{
		Client: mgr.GetClient(), Observer: observer, Status: writer, Vault: vault, Uncached: mgr.GetAPIReader(), Adapters: o.Adapters,
		Reviews: Reviews{Applier: applier, Vault: vault, Settings: s}, Dial: o.Dial, Interval: o.AccessInterval, Clock: clock,
	}
	if err := access.SetupWithManager(mgr); err != nil {
		return err
	}
	if err := registerRuns(mgr, s, vault, applier, writer, observer, clock); err != nil {
		return err
	}
	if err := (&Tenants{Client: mgr.GetClient(), Applier: applier, Status: writer, Clock: clock}).SetupWithManager(mgr); err != nil {
		return err
	}
	policies := &RolePolicies{Client: mgr.GetClient(), Observer: observer, Adapters: o.Adapters, Status: writer, Clock: clock}
	if err := policies.SetupWithManager(mgr); err != nil {
		return err
	}
	locations := &Locations{
		Client: mgr.GetClient(), Status: writer, Layout: target.VaultSettings(s), Clock: clock,
		Observer: observe.Locations{Vault: vault, Timeout: observe.LocationTimeout},
	}
	if err := locations.SetupWithManager(mgr); err != nil {
		return err
	}
	return (&Classes{Client: mgr.GetClient(), Status: writer, Clock: clock}).SetupWithManager(mgr)
}

// registerRuns adds what makes backups and restores them.
func registerRuns(
	mgr ctrl.Manager, s settings.Settings, vault Vault, applier *apply.Applier, writer StatusWriter, observer *observe.Observer, clock *clock.Clock,
) error {
	runs := &Runs{Client: mgr.GetClient(), Observer: observer, Uncached: mgr.GetAPIReader(), Applier: applier, Settings: s}
	backups := &Backups{
		Client: mgr.GetClient(), Observer: observer, Runs: runs, Progress: NewProgress(), Settings: s, Status: writer, Clock: clock,
		Vault: vault, Manifests: observe.Manifests{Vault: vault, Timeout: observe.LocationTimeout},
	}
	if err := backups.SetupWithManager(mgr); err != nil {
		return err
	}
	schedules := &Schedules{
		Client: mgr.GetClient(), Observer: observer, Runs: runs, Applier: applier, Vault: vault, Settings: s, Status: writer, Clock: clock,
	}
	if err := schedules.SetupWithManager(mgr); err != nil {
		return err
	}
	restores := &Restores{
		Client: mgr.GetClient(), Observer: observer, Runs: runs, Settings: s, Status: writer, Clock: clock,
	}
	return restores.SetupWithManager(mgr)
}

func index(mgr ctrl.Manager) error {
	for field, value := range map[string]func(*v1alpha1.CRMEnvironment) string{
		indexHostname: func(e *v1alpha1.CRMEnvironment) string { return e.Spec.Hostname },
		IndexClass:    func(e *v1alpha1.CRMEnvironment) string { return e.Spec.ClassRef.Name },
	} {
		err := mgr.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.CRMEnvironment{}, field, func(o client.Object) []string {
			if env, ok := o.(*v1alpha1.CRMEnvironment); ok && value(env) != "" {
				return []string{value(env)}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("indexing environments by %s: %w", field, err)
		}
	}
	return nil
}

func options() controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: concurrency,
		ReconciliationTimeout:   reconcileTimeout,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
	}
}
