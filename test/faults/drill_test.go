package faults

import (
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// proving is the environment of the schedule's drills.
var proving = naming.DrillEnvironment(nightly)

// drills are the stages of a life in which the schedule proves its backup: up to the run of the restore, and on to the end. What the
// restore has replaced is dropped before or after the checks, whoever comes first.
var drills = []stage{
	{
		name:  "drill",
		begin: func(t *testing.T, w *world) { w.drill(t) },
		done:  func(t *testing.T, w *world) error { return w.isRunning(t, proving, runOfSource(proving)) },
	},
	{
		name:  "drill's end",
		begin: func(*testing.T, *world) {},
		done: func(t *testing.T, w *world) error {
			w.fill(t, proving)
			w.play(t, proving, naming.RunOf(naming.RunCheck, nightly), result.Result{})
			return w.isProven(t)
		},
	},
}

// drill has the schedule prove its backups once a year, in the minute after it was made: at once or soon, and never again.
func (w *world) drill(t *testing.T) {
	t.Helper()
	s := schedule()
	w.until(t, "a drill is declared", func() error {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
			return err
		}
		due := s.CreationTimestamp.UTC().Truncate(time.Minute).Add(time.Minute)
		s.Spec.Drill = &v1alpha1.RestoreDrill{Schedule: v1alpha1.CronExpression(due.Format("4 15 2 1 *"))}
		return w.Update(t.Context(), s)
	})
}

// isProven tells whether the drill has passed, its result is kept and nothing else is left of it.
func (w *world) isProven(t *testing.T) error {
	t.Helper()
	s := schedule()
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(s), s); err != nil {
		return err
	}
	d := s.Status.Drill
	if d == nil || d.Phase != v1alpha1.PhaseComplete {
		return fmt.Errorf("the drill is %+v", d)
	}
	drilled := metav1.ObjectMeta{Namespace: s.Namespace, Name: d.Name}
	return errors.Join(
		statuscheck.Is(s.Generation, s.Status.ObservedGeneration, s.Status.Conditions, "True Succeeded"),
		w.Get(t.Context(), client.ObjectKey{Namespace: s.Namespace, Name: d.Name}, &corev1.ConfigMap{}),
		w.isGone(t, &v1alpha1.CRMRestore{ObjectMeta: drilled}),
		w.isGone(t, build.Environment(mortal, proving)),
	)
}
