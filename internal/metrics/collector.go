package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// Collector reads the statuses in the manager's cache when it is asked for metrics.
type Collector struct {
	reader client.Reader
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes one. The reader must be a cache: it is asked for every object of some kinds at each scrape.
func NewCollector(reader client.Reader) *Collector { return &Collector{reader: reader} }

// Describe tells which metrics there may be.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range All {
		out <- m.desc
	}
}

// Collect tells all of them.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	for _, counted := range []prometheus.Collector{drills, calls, durations, leavers} {
		counted.Collect(out)
	}
	for _, tell := range []func(context.Context, scrape) error{c.environments, c.backups, c.schedules, c.locations} {
		if err := tell(context.Background(), out); err != nil {
			out <- prometheus.NewInvalidMetric(backupTime.desc, err)
		}
	}
}

// scrape is what one question for metrics gathers.
type scrape chan<- prometheus.Metric

func (s scrape) tell(m *Metric, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(m.desc, prometheus.GaugeValue, value, labels...)
}

func (s scrape) tellTime(m *Metric, at *metav1.Time, labels ...string) {
	if at != nil {
		s.tell(m, float64(at.Unix()), labels...)
	}
}

func (s scrape) tellSeconds(m *Metric, n *int64, labels ...string) {
	if n != nil {
		s.tell(m, float64(*n), labels...)
	}
}

func (s scrape) tellCondition(m *Metric, conditions []metav1.Condition, kind string, labels ...string) {
	s.tellFlag(m, meta.IsStatusConditionTrue(conditions, kind), labels...)
}

func (s scrape) tellFlag(m *Metric, on bool, labels ...string) {
	value := 0.0
	if on {
		value = 1
	}
	s.tell(m, value, labels...)
}

func (c *Collector) environments(ctx context.Context, out scrape) error {
	var list v1alpha1.CRMEnvironmentList
	if err := c.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range list.Items {
		env := &list.Items[i]
		tenant, ok := naming.TenantOfHome(env.Namespace)
		if !ok {
			continue
		}
		out.tellKeys(env.Status.Encryption, tenant, env.Name)
		out.tellAccess(env, tenant, env.Name)
	}
	return nil
}

func (s scrape) tellKeys(e *v1alpha1.EncryptionStatus, labels ...string) {
	if e == nil {
		return
	}
	s.tell(keyVersion, float64(e.KeyVersion), labels...)
	if e.NeededKeyVersion > 0 {
		s.tell(keyNeeded, float64(e.NeededKeyVersion), labels...)
	}
}

// ofOne are the backups of an environment that matter.
type ofOne struct {
	newest, usable, running *v1alpha1.CRMBackup
}

func (o *ofOne) add(b *v1alpha1.CRMBackup) {
	if o.newest == nil || b.CreationTimestamp.After(o.newest.CreationTimestamp.Time) {
		o.newest = b
	}
	if b.Status.Phase == v1alpha1.PhaseRunning {
		o.running = b
	}
	if validate.Usable(b) && (o.usable == nil || b.Status.CompletedAt.After(o.usable.Status.CompletedAt.Time)) {
		o.usable = b
	}
}

func (c *Collector) backups(ctx context.Context, out scrape) error {
	var list v1alpha1.CRMBackupList
	if err := c.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	type key struct{ tenant, environment string }
	all := map[key]*ofOne{}
	for i := range list.Items {
		b := &list.Items[i]
		tenant, ok := naming.TenantOfHome(b.Namespace)
		if !ok {
			continue
		}
		k := key{tenant, b.Spec.EnvironmentRef.Name}
		if all[k] == nil {
			all[k] = &ofOne{}
		}
		all[k].add(b)
	}
	for k, of := range all {
		of.tell(out, k.tenant, k.environment)
	}
	return nil
}

func (o *ofOne) tell(out scrape, labels ...string) {
	if phase := o.newest.Status.Phase; phase != "" {
		out.tell(backupPhase, 1, append(labels, phase)...)
	}
	if r := o.running; r != nil && r.Status.Progress != nil {
		out.tell(backupProgress, float64(r.Status.Progress.BytesDone), labels...)
	}
	if o.usable == nil {
		return
	}
	s := o.usable.Status
	out.tellTime(backupTime, s.CompletedAt, labels...)
	out.tell(backupBytes, float64(s.Record.Bytes), labels...)
	if s.StartedAt != nil {
		out.tell(backupDuration, s.CompletedAt.Sub(s.StartedAt.Time).Truncate(time.Second).Seconds(), labels...)
	}
}

func (c *Collector) schedules(ctx context.Context, out scrape) error {
	var list v1alpha1.CRMBackupScheduleList
	if err := c.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range list.Items {
		s := &list.Items[i]
		tenant, ok := naming.TenantOfHome(s.Namespace)
		if !ok {
			continue
		}
		labels := []string{tenant, s.Spec.EnvironmentRef.Name, s.Name}
		out.tellTime(scheduleBackup, s.Status.LastBackup, labels...)
		out.tellTime(scheduleProven, s.Status.LastProven, labels...)
		out.tellSeconds(measuredRTO, s.Status.MeasuredRTOSeconds, labels...)
		out.tellSeconds(measuredRPO, s.Status.MeasuredRPOSeconds, labels...)
		out.tellCondition(scheduleHealthy, s.Status.Conditions, v1alpha1.ConditionBackupHealthy, labels...)
	}
	return nil
}

func (c *Collector) locations(ctx context.Context, out scrape) error {
	var list v1alpha1.CRMBackupLocationList
	if err := c.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for i := range list.Items {
		out.tellCondition(locationReady, list.Items[i].Status.Conditions, v1alpha1.ConditionReady, list.Items[i].Name)
	}
	return nil
}
