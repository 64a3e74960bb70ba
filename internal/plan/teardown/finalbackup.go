package teardown

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

const (
	// firstFinalRetry and lastFinalRetry bound how long after a failure a final backup is tried again; in between it doubles.
	firstFinalRetry = time.Minute
	lastFinalRetry  = time.Hour
	// finalPoll is when to look again at an environment that is kept up for its final backup.
	finalPoll = time.Minute
)

// FinalBackup is how far the backup is that a deletion waits for.
type FinalBackup struct {
	// Complete names the one that every location holds; empty as long as none is.
	Complete string
	// Make is another attempt, nil when one goes on or it is too early.
	Make *v1alpha1.CRMBackup
	// Waits says what the deletion waits for; nil with Complete.
	Waits error
}

// WantsFinalBackup tells whether the deletion of an environment has to wait for a backup.
func WantsFinalBackup(env *v1alpha1.CRMEnvironment) bool {
	return !env.DeletionTimestamp.IsZero() && env.Spec.FinalBackup != nil && env.Status.FinalBackup == ""
}

// IsFinalBackup tells whether a backup is one that the environment's deletion waits for. Anybody in the tenant can write its label, so an
// earlier one does not count, nor one that makes nothing.
func IsFinalBackup(b *v1alpha1.CRMBackup, env *v1alpha1.CRMEnvironment) bool {
	return WantsFinalBackup(env) && b.Labels[naming.LabelFinalOf] == string(env.UID) && b.Spec.EnvironmentRef.Name == env.Name &&
		b.Spec.Import == nil && !b.CreationTimestamp.Before(env.DeletionTimestamp) &&
		slices.Equal(slices.Sorted(slices.Values(b.Spec.Locations)), slices.Sorted(slices.Values(env.Spec.FinalBackup.Locations)))
}

// NextFinalBackup decides what to do about the final backup of an environment that wants one. Backups are those of the tenant's home.
func NextFinalBackup(env *v1alpha1.CRMEnvironment, backups []v1alpha1.CRMBackup, now time.Time) FinalBackup {
	var attempts []*v1alpha1.CRMBackup
	taken := map[string]bool{}
	for i := range backups {
		taken[backups[i].Name] = true
		if IsFinalBackup(&backups[i], env) {
			attempts = append(attempts, &backups[i])
		}
	}
	for _, b := range attempts {
		switch {
		case b.Status.Phase == v1alpha1.PhaseComplete:
			return FinalBackup{Complete: b.Name}
		case b.Status.CompletedAt == nil:
			return FinalBackup{Waits: waitFor(b, finalPoll, underWay(b))}
		}
	}
	if len(attempts) > 0 {
		last := slices.MaxFunc(attempts, func(a, b *v1alpha1.CRMBackup) int { return a.Status.CompletedAt.Compare(b.Status.CompletedAt.Time) })
		at := last.Status.CompletedAt.Add(retryAfter(len(attempts)))
		if left := at.Sub(now); left > 0 {
			return FinalBackup{Waits: waitFor(last, left,
				"is not in every location, and another is made at "+at.UTC().Format(time.RFC3339)+": "+verdict(last))}
		}
	}
	next := attempt(env, taken)
	return FinalBackup{Make: next, Waits: waitFor(next, finalPoll, "is made")}
}

func attempt(env *v1alpha1.CRMEnvironment, taken map[string]bool) *v1alpha1.CRMBackup {
	n := 1
	for taken[naming.FinalBackup(env.Name, string(env.UID), n)] {
		n++
	}
	return &v1alpha1.CRMBackup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: env.Namespace, Name: naming.FinalBackup(env.Name, string(env.UID), n),
			Labels: map[string]string{naming.LabelFinalOf: string(env.UID)},
		},
		Spec: v1alpha1.CRMBackupSpec{
			EnvironmentRef: v1alpha1.LocalReference{Name: env.Name}, Locations: slices.Clone(env.Spec.FinalBackup.Locations),
		},
	}
}

func retryAfter(failures int) time.Duration {
	const doublings = 6 // More than lastFinalRetry.
	return min(firstFinalRetry<<min(failures-1, doublings), lastFinalRetry)
}

func waitFor(b *v1alpha1.CRMBackup, after time.Duration, state string) error {
	return outcome.Wait(v1alpha1.ReasonFinalBackup, after,
		"nothing is taken apart before the final backup: CRMBackup %s %s. Remove spec.finalBackup to go on without it", b.Name, state)
}

func underWay(b *v1alpha1.CRMBackup) string {
	if p := b.Status.Progress; p != nil && p.Stage != "" {
		return "runs, stage " + p.Stage
	}
	return "is " + cmp.Or(b.Status.Phase, v1alpha1.PhasePending) + ": " + verdict(b)
}

func verdict(b *v1alpha1.CRMBackup) string {
	if c := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ConditionReady); c != nil && c.Message != "" {
		return c.Message
	}
	return "it was not looked at yet"
}
