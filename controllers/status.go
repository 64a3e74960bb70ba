package controllers

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// StatusWriter writes a status when it has changed, and tells of it in an event after the write has succeeded.
type StatusWriter struct {
	Client   client.Client
	Recorder events.EventRecorder

	own *ownWrites
}

// NewStatusWriter makes one for all controllers of a process.
func NewStatusWriter(c client.Client, recorder events.EventRecorder) StatusWriter {
	return StatusWriter{Client: c, Recorder: recorder, own: newOwnWrites()}
}

// Environment writes an environment's status.
func (w StatusWriter) Environment(ctx context.Context, env *v1alpha1.CRMEnvironment, next v1alpha1.CRMEnvironmentStatus) error {
	before := env.DeepCopy()
	env.Status = next
	return w.write(ctx, env, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// Tenant writes a tenant's status.
func (w StatusWriter) Tenant(ctx context.Context, tenant *v1alpha1.CRMTenant, next v1alpha1.CRMTenantStatus) error {
	before := tenant.DeepCopy()
	tenant.Status = next
	return w.write(ctx, tenant, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// Class writes a class's status.
func (w StatusWriter) Class(ctx context.Context, class *v1alpha1.CRMClass, next v1alpha1.CRMClassStatus) error {
	before := class.DeepCopy()
	class.Status = next
	return w.write(ctx, class, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// Location writes a backup location's status.
func (w StatusWriter) Location(ctx context.Context, l *v1alpha1.CRMBackupLocation, next v1alpha1.CRMBackupLocationStatus) error {
	before := l.DeepCopy()
	l.Status = next
	return w.write(ctx, l, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// Backup writes a backup's status.
func (w StatusWriter) Backup(ctx context.Context, b *v1alpha1.CRMBackup, next v1alpha1.CRMBackupStatus) error {
	before := b.DeepCopy()
	b.Status = next
	return w.write(ctx, b, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// Schedule writes a schedule's status.
func (w StatusWriter) Schedule(ctx context.Context, s *v1alpha1.CRMBackupSchedule, next v1alpha1.CRMBackupScheduleStatus) error {
	before := s.DeepCopy()
	s.Status = next
	if err := w.write(ctx, s, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next)); err != nil {
		return err
	}
	w.tellDrill(s, before.Status.Drill)
	return nil
}

// Restore writes a restore's status.
func (w StatusWriter) Restore(ctx context.Context, r *v1alpha1.CRMRestore, next v1alpha1.CRMRestoreStatus) error {
	before := r.DeepCopy()
	r.Status = next
	return w.write(ctx, r, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

// RolePolicy writes a role policy's status.
func (w StatusWriter) RolePolicy(ctx context.Context, p *v1alpha1.CRMRolePolicy, next v1alpha1.CRMRolePolicyStatus) error {
	before := p.DeepCopy()
	p.Status = next
	return w.write(ctx, p, before, before.Status.Conditions, next.Conditions, equality.Semantic.DeepEqual(before.Status, next))
}

func (w StatusWriter) write(ctx context.Context, after, before client.Object, was, is []metav1.Condition, same bool) error {
	if same {
		if !w.own.seen(before) {
			return outcome.Wait(v1alpha1.ReasonProgressing, conflictDelay, "the cache does not show the last status yet")
		}
		return nil
	}
	// A merge patch replaces the list of conditions whole, so the lock keeps us from undoing what somebody else wrote.
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := w.Client.Status().Patch(ctx, after, patch); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	w.own.add(after)
	w.tell(after, meta.FindStatusCondition(was, v1alpha1.ConditionReady), meta.FindStatusCondition(is, v1alpha1.ConditionReady))
	return nil
}

// tell makes an event of a change of Ready: of its value or of the reason why it is False. Plain progress is in the conditions, and
// not worth a request of its own.
func (w StatusWriter) tell(o client.Object, was, is *metav1.Condition) {
	if is == nil || is.Reason == v1alpha1.ReasonProgressing || was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeNormal
	if is.Status == metav1.ConditionFalse && meta.FindStatusCondition(conditionsOf(o), v1alpha1.ConditionStalled) != nil {
		kind = corev1.EventTypeWarning
	}
	note := is.Message
	if note == "" {
		note = "as declared"
	}
	w.event(o, kind, is.Reason, "Reconcile", note)
}

func (w StatusWriter) event(o client.Object, kind, reason, action, note string) {
	const longest = 1000 // The API takes 1024 bytes.
	if len(note) > longest {
		note = strings.ToValidUTF8(note[:longest], "")
	}
	w.Recorder.Eventf(o, nil, kind, reason, action, "%s", note)
}

func conditionsOf(o client.Object) []metav1.Condition {
	switch o := o.(type) {
	case *v1alpha1.CRMEnvironment:
		return o.Status.Conditions
	case *v1alpha1.CRMTenant:
		return o.Status.Conditions
	case *v1alpha1.CRMClass:
		return o.Status.Conditions
	case *v1alpha1.CRMRolePolicy:
		return o.Status.Conditions
	case *v1alpha1.CRMBackup:
		return o.Status.Conditions
	case *v1alpha1.CRMBackupSchedule:
		return o.Status.Conditions
	case *v1alpha1.CRMRestore:
		return o.Status.Conditions
	case *v1alpha1.CRMBackupLocation:
		return o.Status.Conditions
	}
	return nil
}
