// Package observe does every read of the cluster that a decision needs, from the manager's caches, and returns plain facts.
package observe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
)

// IndexHostname is the cache's index of environments by host name.
const IndexHostname = "spec.hostname"

var httpRouteKind = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}

// Observer reads.
type Observer struct {
	Reader client.Reader
	// Uncached reads what the caches leave out, such as specifications of pods.
	Uncached     client.Reader
	Mapper       meta.RESTMapper
	Certificates *Certificates
	// CertificateTTL of the installation.
	CertificateTTL time.Duration

	httpRoutes discovered
}

// Environment reads what the decisions about one environment need.
func (o *Observer) Environment(ctx context.Context, env *v1alpha1.CRMEnvironment) (*facts.Environment, error) {
	f := &facts.Environment{HTTPRoutes: o.KnowsHTTPRoutes()}
	tenant, _ := naming.TenantOfHome(env.Namespace)
	var err error
	if f.Tenant, err = get(ctx, o.Reader, client.ObjectKey{Name: tenant}, &v1alpha1.CRMTenant{}); err != nil {
		return nil, err
	}
	if f.Class, err = get(ctx, o.Reader, client.ObjectKey{Name: env.Spec.ClassRef.Name}, &v1alpha1.CRMClass{}); err != nil {
		return nil, err
	}
	if err := o.siblings(ctx, env, f); err != nil {
		return nil, err
	}
	if err := o.hostnameHolder(ctx, env, f); err != nil {
		return nil, err
	}
	if err := o.workload(ctx, naming.WorkloadNamespace(tenant, env.Name), f); err != nil {
		return nil, err
	}
	if err := o.record(ctx, naming.WorkloadNamespace(tenant, env.Name), env.Spec.Database != nil, f); err != nil {
		return nil, err
	}
	if f.Source, err = o.source(ctx, env, f); err != nil {
		return nil, err
	}
	if err := o.protection(ctx, env, f); err != nil {
		return nil, err
	}
	policies, err := o.policies(ctx, env.Namespace)
	if err != nil {
		return nil, err
	}
	f.Governed = access.Governed(env, f.Class, policies)
	if f.DataMissing, err = o.dataMissing(ctx, env, naming.WorkloadNamespace(tenant, env.Name)); err != nil {
		return nil, err
	}
	o.certificate(env, f)
	return f, nil
}

// dataMissing looks for the volume of a database that was migrated. While it is being deleted its pod still has it.
func (o *Observer) dataMissing(ctx context.Context, env *v1alpha1.CRMEnvironment, namespace string) (bool, error) {
	if env.Status.Version == "" && env.Status.Source == nil || env.Spec.Database != nil {
		return false, nil
	}
	claim := client.ObjectKey{Namespace: namespace, Name: naming.Volume(naming.ComponentDatabase)}
	data, err := get(ctx, o.Reader, claim, &corev1.PersistentVolumeClaim{})
	return err == nil && data == nil, err
}

// record reads what outlives the declaration: what was let in last, and the version that the database is at. The latter is believed only while
// the database is there that it speaks of, and of an external one, if that is declared.
func (o *Observer) record(ctx context.Context, namespace string, external bool, f *facts.Environment) error {
	var err error
	if f.Accepted, err = o.accepted(ctx, namespace); err != nil {
		return err
	}
	record, err := get(ctx, o.Reader, client.ObjectKey{Namespace: namespace, Name: naming.VersionRecord}, &corev1.ConfigMap{})
	if err != nil || record == nil {
		return err
	}
	own, err := o.keepsVolume(ctx, namespace)
	if err != nil {
		return err
	}
	isExternal := record.Data[workload.DatabaseField] == workload.DatabaseExternal
	switch {
	case external != isExternal && (own || isExternal):
		f.DataElsewhere = true
		return nil
	case !external && !own:
		return nil
	}
	f.RecordedVersion = record.Data[workload.VersionField]
	if backup := record.Data[workload.SourceField]; backup != "" {
		f.RecordedSource = &v1alpha1.EnvironmentSourceStatus{Backup: backup, Version: record.Data[workload.SourceVersionField]}
	}
	return nil
}

// keepsVolume tells whether there is a volume of the environment's own database that is not being deleted.
func (o *Observer) keepsVolume(ctx context.Context, namespace string) (bool, error) {
	claim := client.ObjectKey{Namespace: namespace, Name: naming.Volume(naming.ComponentDatabase)}
	data, err := get(ctx, o.Reader, claim, &corev1.PersistentVolumeClaim{})
	return data != nil && data.DeletionTimestamp == nil, err
}

// accepted reads the record of what was let in last.
func (o *Observer) accepted(ctx context.Context, namespace string) (map[string]string, error) {
	var record corev1.ConfigMap
	err := o.Reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: naming.AcceptedRecord}, &record, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return record.Data, nil
}

// certificate has the application asked only while it is ready, so that one which is away costs nothing.
func (o *Observer) certificate(env *v1alpha1.CRMEnvironment, f *facts.Environment) {
	if o.Certificates == nil || f.Class == nil || env.Status.Namespace == "" {
		return
	}
	i := slices.IndexFunc(f.Class.Spec.Components, func(c v1alpha1.ClassComponent) bool { return c.Type == v1alpha1.ComponentWeb })
	if i < 0 || !f.Components[f.Class.Spec.Components[i].Name].Up() {
		return
	}
	ttl := o.CertificateTTL
	if e := env.Spec.Encryption; e != nil && e.CertificateTTLSeconds != nil {
		ttl = time.Duration(*e.CertificateTTLSeconds) * time.Second
	}
	var known *time.Time
	if e := env.Status.Encryption; e != nil && e.CertificateExpires != nil {
		known = &e.CertificateExpires.Time
	}
	host := naming.ServiceHost(f.Class.Spec.Components[i].Name, env.Status.Namespace)
	// Agents renew after two thirds of a certificate's life.
	f.CertificateExpires = o.Certificates.Expires(env, host, known, ttl/4)
}

// get returns nil when there is no such object.
func get[T client.Object](ctx context.Context, r client.Reader, key client.ObjectKey, into T) (T, error) {
	err := r.Get(ctx, key, into)
	if apierrors.IsNotFound(err) {
		var none T
		return none, nil
	}
	if err != nil {
		return into, fmt.Errorf("reading %T %s: %w", into, key.Name, err)
	}
	return into, nil
}

// KnowsHTTPRoutes tells whether the cluster has the Gateway API. One that is installed later is seen within minutes.
func (o *Observer) KnowsHTTPRoutes() bool {
	return o.httpRoutes.in(o.Mapper, httpRouteKind, "v1", time.Now())
}

// siblings finds the environments that this one shares the tenant's limits with.
func (o *Observer) siblings(ctx context.Context, env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	var same v1alpha1.CRMEnvironmentList
	if err := o.Reader.List(ctx, &same, client.InNamespace(env.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the tenant's environments: %w", err)
	}
	// Most are of one class; reading it copies it.
	classes := map[string]*v1alpha1.CRMClass{env.Spec.ClassRef.Name: f.Class}
	for _, other := range same.Items {
		if other.Name == env.Name || other.Status.Namespace == "" && !older(&other, env) {
			continue
		}
		name := other.Spec.ClassRef.Name
		if _, known := classes[name]; !known {
			class, err := get(ctx, o.Reader, client.ObjectKey{Name: name}, &v1alpha1.CRMClass{})
			if err != nil {
				return err
			}
			classes[name] = class
		}
		f.Siblings = append(f.Siblings, facts.Sibling{Environment: other, Class: classes[name]})
	}
	return nil
}

// hostnameHolder finds who has the host name that this one declares.
func (o *Observer) hostnameHolder(ctx context.Context, env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	if env.Spec.Hostname == "" {
		return nil
	}
	var holders v1alpha1.CRMEnvironmentList
	if err := o.Reader.List(ctx, &holders, client.MatchingFields{IndexHostname: env.Spec.Hostname}); err != nil {
		return fmt.Errorf("listing who has the host name: %w", err)
	}
	for _, other := range holders.Items {
		if (other.Namespace != env.Namespace || other.Name != env.Name) && comesFirst(&other, env) {
			f.HostnameHolder = other.Namespace + "/" + other.Name
		}
	}
	return nil
}

// comesFirst orders those that declare the same host name: one that has it already, then by age. An older environment cannot take
// the name away from one that people open.
func comesFirst(a, b *v1alpha1.CRMEnvironment) bool {
	if holdsA, holdsB := holdsHostname(a), holdsHostname(b); holdsA != holdsB {
		return holdsA
	}
	return older(a, b)
}

func holdsHostname(e *v1alpha1.CRMEnvironment) bool {
	return e.Status.URL == naming.URL(e.Spec.Hostname)
}

// older orders environments: by age, then by name, so that of any two one comes first for both.
func older(a, b *v1alpha1.CRMEnvironment) bool {
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name)) < 0
}

// Workload reads what runs in a workload namespace, and nothing else.
func (o *Observer) Workload(ctx context.Context, namespace string) (*facts.Environment, error) {
	f := &facts.Environment{}
	return f, o.workload(ctx, namespace, f)
}

func (o *Observer) workload(ctx context.Context, namespace string, f *facts.Environment) error {
	f.Components = make(map[string]facts.Workload)
	f.Pods = make(map[string]int)
	f.Jobs = make(map[string]facts.Job)
	in := client.InNamespace(namespace)
	var deployments appsv1.DeploymentList
	var statefulSets appsv1.StatefulSetList
	var jobs batchv1.JobList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&deployments, &statefulSets, &jobs, &pods} {
		if err := o.Reader.List(ctx, list, in, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("listing the workload: %w", err)
		}
	}
	for i := range deployments.Items {
		f.Components[deployments.Items[i].Name] = deployment(&deployments.Items[i])
	}
	for i := range statefulSets.Items {
		if statefulSets.Items[i].Name == naming.ComponentDatabase {
			f.Database = statefulSet(&statefulSets.Items[i])
		}
	}
	for i := range jobs.Items {
		switch jobs.Items[i].Labels[naming.LabelComponent] {
		case naming.ComponentMigrate, naming.ComponentPull:
			f.Jobs[jobs.Items[i].Name] = job(&jobs.Items[i])
		}
	}
	for i := range pods.Items {
		if p := &pods.Items[i]; p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			f.Pods[p.Labels[naming.LabelComponent]]++
		}
		f.Problems = append(f.Problems, problems(&pods.Items[i])...)
	}
	slices.SortFunc(f.Problems, func(a, b facts.PodProblem) int {
		return cmp.Or(cmp.Compare(a.Component, b.Component), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})
	f.Problems = slices.Compact(f.Problems)
	return nil
}

func deployment(d *appsv1.Deployment) facts.Workload {
	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	w := facts.Workload{
		Exists: true, Wanted: wanted, Replicas: d.Status.Replicas, Ready: d.Status.ReadyReplicas,
		Current: d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas == wanted && d.Status.Replicas == wanted,
	}
	if containers := d.Spec.Template.Spec.Containers; len(containers) > 0 {
		w.Image = containers[0].Image
	}
	return w
}

func statefulSet(s *appsv1.StatefulSet) facts.Workload {
	wanted := int32(1)
	if s.Spec.Replicas != nil {
		wanted = *s.Spec.Replicas
	}
	return facts.Workload{
		Exists: true, Wanted: wanted, Replicas: s.Status.Replicas, Ready: s.Status.ReadyReplicas,
		Current: s.Status.ObservedGeneration >= s.Generation && s.Status.UpdateRevision == s.Status.CurrentRevision,
	}
}

func job(j *batchv1.Job) facts.Job {
	var out facts.Job
	for _, c := range j.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			out.Succeeded = true
		case batchv1.JobFailed:
			out.Failed, out.Message = true, c.Message
		}
	}
	return out
}
