// Package status folds what was declared, seen and done into a status. It is pure: time comes in as a value.
package status

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
)

// ErrNotReached marks a step that an earlier one has kept from being tried.
var ErrNotReached = errors.New("not reached")

// Pass is what one pass over an environment came to.
type Pass struct {
	// Target is what was brought about; nil when the declaration was refused and nothing was let in before. Then nothing was written.
	Target *target.Target
	// Refused says why the declaration is refused.
	Refused error
	// Kept tells that Target is not what is declared, which is refused or not approved, but what was let in last.
	Kept bool
	// Approval, Namespace, Network, Keys, Workload and Fill are the outcomes of the steps, in this order.
	Approval, Namespace, Network, Keys, Workload, Fill error
	// Request is the digest to approve; empty when no approval is needed.
	Request string
	// Encryption is the state of the keys, nil when it could not be read.
	Encryption *v1alpha1.EncryptionStatus
	// Deletion is what a deletion waits for that has not begun to take anything apart; nil when nothing is deleted.
	Deletion error
}

// condition is one line of the result; it holds when there is no error.
type condition struct {
	kind string
	err  error
}

// Environment folds a pass into the environment's new status.
func Environment(env *v1alpha1.CRMEnvironment, f *facts.Environment, p Pass, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	s := *env.Status.DeepCopy()
	s.ObservedGeneration = env.Generation
	w := writer{conditions: &s.Conditions, generation: env.Generation, now: now}
	refused, t := accepted(&s, w, p), p.Target
	if refused != nil && !p.Kept {
		w.ready(firstOf(p.Deletion, refused), "")
		return s
	}
	s.State, s.Namespace, s.URL = t.State, t.Namespace, t.URL()
	if restoreBegins(&s, f) {
		s.Access = Closed(s.Access, false, now) // Roles that are being brought now are brought to data that is replaced.
	}
	s.Access = Closed(s.Access, t.Closed, now)
	s.Components = components(t, f)
	s.ExpiresAt = expiry(env)
	s.Encryption = encryption(s.Encryption, p.Encryption, f)
	neededKeys(s.Encryption, t.Namespace, f.Backups)
	s.Version, s.Source = cmp.Or(s.Version, t.Current.Name), t.Filled
	if job, ok := f.Jobs[workload.MigrationJob(t)]; ok && job.Succeeded && t.NeedsMigration() {
		s.Version = t.Version.Name
	}
	steps := []condition{
		{kind: v1alpha1.ConditionNamespaceReady, err: p.Namespace},
		{kind: v1alpha1.ConditionNetworkIsolated, err: p.Network},
		{kind: v1alpha1.ConditionKeysReady, err: p.Keys},
		{kind: v1alpha1.ConditionDatabaseReady, err: errors.Join(reached(p.Workload), database(t, f))},
		{kind: v1alpha1.ConditionFilled, err: errors.Join(reached(p.Workload), filled(t, f, p.Fill))},
		{kind: v1alpha1.ConditionMigrated, err: errors.Join(reached(p.Workload), migrated(t, f, s.Version))},
		{kind: v1alpha1.ConditionWorkloadReady, err: firstOf(p.Workload, running(t, f))},
	}
	if env.Spec.Source == nil {
		steps = slices.DeleteFunc(steps, func(c condition) bool { return c.kind == v1alpha1.ConditionFilled })
	}
	if p.Kept {
		w.generation = target.LetIn(env)
	}
	for _, c := range steps {
		w.set(c)
	}
	w.generation = env.Generation
	// An application without a backup runs as declared: neither this condition nor the next gates Ready.
	w.set(condition{kind: v1alpha1.ConditionBackupHealthy, err: firstOf(keyVersionsGone(t, s.Encryption, f.Backups), backups(f))})
	w.set(condition{kind: v1alpha1.ConditionRolesEnforced, err: RolesEnforced(env)})
	s.LastProven = lastProven(f)
	w.ready(firstOf(p.Deletion, refused, verdict(t, f, p.Workload, steps), letIn(t, s.Access)), restingReason(t))
	return s
}

// accepted says what is awaited before a declaration is let in, and gives it.
func accepted(s *v1alpha1.CRMEnvironmentStatus, w writer, p Pass) error {
	if p.Target != nil {
		s.TargetVersion = p.Target.Version.Name
	}
	if p.Refused != nil {
		return p.Refused
	}
	s.Approval = nil
	if p.Request != "" {
		s.Approval = &v1alpha1.ApprovalStatus{Request: p.Request}
	}
	w.set(condition{kind: v1alpha1.ConditionApproved, err: p.Approval})
	return p.Approval
}

// firstOf keeps a failure from being taken for the wait that comes after it.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reached keeps a failure of the writes from being told three times.
func reached(err error) error {
	if errors.Is(err, ErrNotReached) || isReason(err, v1alpha1.ReasonDataLost) {
		return err
	}
	return nil
}

// ofWorkload are the conditions of what the writes of the workload bring about.
var ofWorkload = []string{v1alpha1.ConditionDatabaseReady, v1alpha1.ConditionFilled, v1alpha1.ConditionMigrated, v1alpha1.ConditionWorkloadReady}

// verdict is the first thing that does not hold. A suspended environment is as declared when nothing runs any more. A write that somebody
// has to make way for counts before what it would bring about.
func verdict(t *target.Target, f *facts.Environment, written error, steps []condition) error {
	if t.State == v1alpha1.StateSuspended {
		steps = slices.DeleteFunc(slices.Clone(steps), func(c condition) bool {
			return slices.Contains(ofWorkload, c.kind) && (c.err == nil || isReason(c.err, v1alpha1.ReasonSuspended))
		})
		if f.AnyComponentPod() || f.Database.Replicas > 0 {
			steps = append(steps, condition{err: outcome.Wait(v1alpha1.ReasonStopping, 0, "waiting for the pods to end")})
		}
	}
	for _, c := range steps {
		if c.err != nil && slices.Contains(ofWorkload, c.kind) && isObstacle(written) {
			return written
		}
		if c.err != nil {
			return c.err
		}
	}
	return nil
}

// isObstacle tells whether somebody has to do something about an error before the same is worth another try.
func isObstacle(err error) bool {
	_, invalid := outcome.AsInvalid(err)
	w, waiting := outcome.AsWaiting(err)
	return invalid || waiting && w.Reason != v1alpha1.ReasonProgressing
}

func isReason(err error, reason string) bool {
	w, ok := outcome.AsWaiting(err)
	return ok && w.Reason == reason
}

func restingReason(t *target.Target) string {
	switch t.State {
	case v1alpha1.StateSuspended:
		return v1alpha1.ReasonSuspended
	case v1alpha1.StateQuarantined:
		return v1alpha1.ReasonQuarantined
	}
	return v1alpha1.ReasonSucceeded
}

func database(t *target.Target, f *facts.Environment) error {
	switch {
	case t.State == v1alpha1.StateSuspended:
		return suspended()
	case t.Database.External != nil || f.Database.Up():
		return nil
	}
	return blocked(t, f, "waiting for the database to take connections", "database")
}

// filled says how far the restore is that brings the data of the environment's source. One that has failed cannot be mended: what it has
// left is of no use to anybody.
func filled(t *target.Target, f *facts.Environment, err error) error {
	switch {
	case t.Source == nil:
		return nil
	case t.State == v1alpha1.StateSuspended:
		return outcome.Wait(v1alpha1.ReasonSuspended, 0, "the environment is filled when spec.state is Running")
	case err != nil:
		return err
	case f.Source == nil || f.Source.Restore == nil:
		return outcome.Wait(v1alpha1.ReasonProgressing, 0, "CRMBackup %s is put in when the database takes connections", t.Source.Backup)
	}
	r := f.Source.Restore
	ready := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return outcome.Wait(v1alpha1.ReasonProgressing, 0, "CRMRestore %s fills the environment", r.Name)
	case r.Status.CompletedAt == nil:
		return outcome.Wait(ready.Reason, 0, "CRMRestore %s fills the environment: %s", r.Name, ready.Message)
	}
	return outcome.Reject(ready.Reason,
		"CRMRestore %s could not fill the environment: %s. Delete the environment with spec.deletionPolicy Shred, and declare it again when that is mended",
		r.Name, ready.Message)
}

func migrated(t *target.Target, f *facts.Environment, version string) error {
	if version == t.Version.Name {
		return nil
	}
	job, ok := f.Jobs[workload.MigrationJob(t)]
	switch {
	case t.State == v1alpha1.StateSuspended:
		return outcome.Wait(v1alpha1.ReasonSuspended, 0, "the migration to %s runs when spec.state is Running", t.Version.Name)
	case t.Source != nil:
		return outcome.Wait(v1alpha1.ReasonProgressing, 0, "the migration to %s waits until the environment is filled", t.Version.Name)
	case ok && job.Failed:
		return outcome.Reject(v1alpha1.ReasonMigrationFailed,
			"the migration to %s failed (%s); the application is not started on a database that may be half-migrated. %s",
			t.Version.Name, job.Message, remedy(version))
	case ok:
		return blocked(t, f, "the migration to "+t.Version.Name+" runs", "migrate")
	case plan.AwaitsImage(t, f):
		return imageAwaited(t, f)
	case f.AnyComponentPod(), f.Pods[naming.ComponentMigrate] > 0:
		return outcome.Wait(v1alpha1.ReasonStopping, 0, "waiting for what runs to stop before the migration to %s", t.Version.Name)
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, 0, "the migration to %s waits for the database", t.Version.Name)
}

func remedy(version string) string {
	if version == "" {
		return "Mend the class, or delete the environment"
	}
	return fmt.Sprintf("Set spec.version to %q to go back, or mend the class to try again", version)
}

func running(t *target.Target, f *facts.Environment) error {
	if t.State == v1alpha1.StateSuspended {
		return suspended()
	}
	if f.Restoring != "" {
		return outcome.Wait(v1alpha1.ReasonRestoring, 0, "the application is stopped while CRMRestore %s puts a backup into its place", f.Restoring)
	}
	for _, c := range t.Components {
		if c.Type == v1alpha1.ComponentScheduled {
			continue
		}
		if w := f.Components[c.Name]; !w.Up() {
			return blocked(t, f, fmt.Sprintf("component %s has %d of %d pods ready", c.Name, w.Ready, c.Replicas), c.Name)
		}
	}
	return nil
}

// backups says what keeps the environment's data from being safe. One schedule that is healthy suffices.
func backups(f *facts.Environment) error {
	worst := outcome.Wait(v1alpha1.ReasonNoSchedule, 0, "no CRMBackupSchedule makes backups of the environment")
	for i, s := range f.Schedules {
		switch {
		case s.Health == nil:
			continue
		case s.Health.Status == metav1.ConditionTrue:
			return nil
		case i == 0 || isReason(worst, v1alpha1.ReasonNoSchedule):
			worst = outcome.Wait(s.Health.Reason, 0, "%s", s.Health.Message)
		}
	}
	return worst
}

func lastProven(f *facts.Environment) *metav1.Time {
	var last *metav1.Time
	for _, s := range f.Schedules {
		if s.LastProven != nil && (last == nil || last.Before(s.LastProven)) {
			last = s.LastProven
		}
	}
	return last
}

func suspended() error {
	return outcome.Wait(v1alpha1.ReasonSuspended, 0, "spec.state is Suspended: data, keys and backups are kept and nothing runs")
}

// blocked says what keeps a component's pods from running, when something is known to.
func blocked(t *target.Target, f *facts.Environment, otherwise, component string) error {
	reason := v1alpha1.ReasonProgressing
	if component == "migrate" {
		reason = v1alpha1.ReasonMigrationRunning
	}
	reason, message := obstacle(t, f, component, reason, otherwise)
	return outcome.Wait(reason, 0, "%s", message)
}

// imageAwaited says what keeps the wanted version's image from being started, while what runs is left alone.
func imageAwaited(t *target.Target, f *facts.Environment) error {
	reason, message := obstacle(t, f, naming.ComponentPull, v1alpha1.ReasonProgressing,
		fmt.Sprintf("a node fetches image %q of version %s", t.Version.Image, t.Version.Name))
	return outcome.Wait(reason, 0, "%s. Version %s runs on meanwhile; set spec.version to %q to stay with it", message, t.Current.Name, t.Current.Name)
}

// obstacle is what keeps a component's pods from running and what to do about it, or what is given when nothing is known.
func obstacle(t *target.Target, f *facts.Environment, component, reason, message string) (string, string) {
	problems := f.ProblemsOf(component)
	if len(problems) == 0 {
		return reason, message
	}
	p := problems[0]
	if p.Image != "" {
		p.Message += fmt.Sprintf("; correct %s, or see that the node can pull it", imageField(t, p.Image))
	}
	return p.Reason, p.Message
}

// imageField is where an image is declared.
func imageField(t *target.Target, image string) string {
	switch image {
	case t.Settings.Images.Crmkeep:
		return "settings.images.crmkeep of the installation"
	case t.Settings.Images.Postgres:
		return "settings.images.postgres of the installation"
	}
	for i, v := range t.Class.Versions {
		if v.Image == image {
			return fmt.Sprintf("spec.versions[%d].image of CRMClass %s, which is version %s", i, t.ClassName, v.Name)
		}
	}
	return "spec.versions of CRMClass " + t.ClassName
}

func components(t *target.Target, f *facts.Environment) []v1alpha1.ComponentStatus {
	var out []v1alpha1.ComponentStatus
	if t.Database.External == nil {
		out = append(out, v1alpha1.ComponentStatus{Name: "database", Replicas: f.Database.Wanted, ReadyReplicas: f.Database.Ready})
	}
	for _, c := range t.Components {
		if w, ok := f.Components[c.Name]; ok {
			out = append(out, v1alpha1.ComponentStatus{Name: c.Name, Replicas: w.Wanted, ReadyReplicas: w.Ready})
		}
	}
	return out
}

func expiry(env *v1alpha1.CRMEnvironment) *metav1.Time {
	at, ok := ExpiresAt(env)
	if !ok {
		return nil
	}
	return &at
}

// encryption keeps what was known of what could not be read this time.
func encryption(known, keys *v1alpha1.EncryptionStatus, f *facts.Environment) *v1alpha1.EncryptionStatus {
	if keys == nil && f.CertificateExpires == nil {
		return known
	}
	next := &v1alpha1.EncryptionStatus{}
	if known != nil {
		next = known.DeepCopy()
	}
	if keys != nil {
		expires, created := next.CertificateExpires, next.KeyCreated
		next = keys.DeepCopy()
		next.CertificateExpires = expires
		if next.KeyCreated == nil {
			next.KeyCreated = created // Vault no longer tells of versions that were archived.
		}
	}
	if f.CertificateExpires != nil {
		at := metav1.NewTime(*f.CertificateExpires)
		next.CertificateExpires = &at
	}
	return next
}

// Deleting folds a step of the teardown into the status. A nil error is the end of it.
func Deleting(env *v1alpha1.CRMEnvironment, err error, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	s := *env.Status.DeepCopy()
	s.ObservedGeneration = env.Generation
	w := writer{conditions: &s.Conditions, generation: env.Generation, now: now}
	w.ready(err, v1alpha1.ReasonDeleting)
	return s
}

// Retained is the last status of an environment of which something is kept, and says where.
func Retained(env *v1alpha1.CRMEnvironment, kept string, now metav1.Time) v1alpha1.CRMEnvironmentStatus {
	return Deleting(env, outcome.Wait(v1alpha1.ReasonRetained, 0, "%s", kept), now)
}

// Started is the first status of a new object: kstatus counts an object without conditions as finished.
func Started(conditions []metav1.Condition, generation int64, now metav1.Time) []metav1.Condition {
	w := writer{conditions: &conditions, generation: generation, now: now}
	w.put(v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "the declaration was seen")
	w.put(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing, "the declaration was seen")
	return conditions
}

// IsNew tells whether nothing was ever written.
func IsNew(conditions []metav1.Condition) bool {
	return meta.FindStatusCondition(conditions, v1alpha1.ConditionReady) == nil
}
