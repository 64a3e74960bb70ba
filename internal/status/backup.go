package status

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// BackupPass is what one pass over a backup came to. Without an error it is what is seen of the run.
type BackupPass struct {
	// Err says why no run was started; an outcome.Invalid ends the backup.
	Err error
	// Run is the backup's, nil when there is none.
	Run *facts.Run
	// Progress is nil when it is not known.
	Progress *result.Progress
}

// errLost is for a run whose Job has gone.
var errLost = outcome.Reject(v1alpha1.ReasonRunLost, "the run's Job was deleted before it had told what came of it; make another backup")

// Backup folds a pass into the backup's new status.
func Backup(b *v1alpha1.CRMBackup, p BackupPass, now metav1.Time) v1alpha1.CRMBackupStatus {
	s := *b.Status.DeepCopy()
	s.ObservedGeneration = b.Generation
	w := writer{conditions: &s.Conditions, generation: b.Generation, now: now}
	_, invalid := outcome.AsInvalid(p.Err)
	switch {
	case invalid:
		failBackup(&s, w, p.Err, now)
	case p.Err != nil:
		s.Phase = cmp.Or(s.Phase, v1alpha1.PhasePending)
		w.ready(p.Err, "")
	case p.Run == nil:
		failBackup(&s, w, errLost, now)
	case p.Run.Ended:
		endBackup(&s, w, b, p.Run, now)
	default:
		s.Phase, s.StartedAt = v1alpha1.PhaseRunning, startedAt(s.StartedAt, p.Run, now)
		s.Progress = progress(s.Progress, p.Progress)
		w.ready(goesOn(p.Run), "")
	}
	return s
}

// goesOn says what a run waits for, if it does.
func goesOn(run *facts.Run) error {
	if run.Problem != "" {
		return outcome.Wait(v1alpha1.ReasonProgressing, 0, "%s", run.Problem)
	}
	return outcome.Wait(v1alpha1.ReasonProgressing, 0, "the run goes on")
}

func startedAt(known *metav1.Time, run *facts.Run, now metav1.Time) *metav1.Time {
	if known != nil {
		return known
	}
	if run.Started.IsZero() {
		return &now
	}
	at := metav1.NewTime(run.Started)
	return &at
}

func completedAt(run *facts.Run, now metav1.Time) *metav1.Time {
	if run.Completed.IsZero() {
		return &now
	}
	at := metav1.NewTime(run.Completed)
	return &at
}

// noticeable is how much more must have been done before a status is written for it.
const noticeable = 16 << 20

// progress keeps what was written while little has changed.
func progress(known *v1alpha1.BackupProgress, seen *result.Progress) *v1alpha1.BackupProgress {
	if seen == nil {
		return known
	}
	if known != nil && known.Stage == seen.Stage && seen.BytesDone-known.BytesDone < max(noticeable, seen.BytesTotal/50) {
		return known
	}
	return &v1alpha1.BackupProgress{Stage: seen.Stage, BytesDone: seen.BytesDone, BytesTotal: seen.BytesTotal}
}

func failBackup(s *v1alpha1.CRMBackupStatus, w writer, err error, now metav1.Time) {
	s.Phase, s.CompletedAt, s.Progress = v1alpha1.PhaseFailed, &now, nil
	w.ready(err, "")
}

// endBackup writes the record of what a run has told. What it told is checked first: a location that it does not name has failed.
func endBackup(s *v1alpha1.CRMBackupStatus, w writer, b *v1alpha1.CRMBackup, run *facts.Run, now metav1.Time) {
	s.StartedAt, s.CompletedAt, s.Progress = startedAt(s.StartedAt, run, now), completedAt(run, now), nil
	told, err := Report(run)
	if err == nil && (told.ManifestDigest == "" || told.KeyVersion < 1) && told.Reason == "" {
		err = outcome.Reject(v1alpha1.ReasonRunFailed, "the run ended without a manifest")
	}
	if err != nil {
		s.Phase = v1alpha1.PhaseFailed
		w.ready(err, "")
		return
	}
	s.Locations = parts(b.Spec.Locations, told)
	failed := slices.DeleteFunc(slices.Clone(s.Locations), func(l v1alpha1.BackupLocationStatus) bool { return l.Phase == v1alpha1.PhaseComplete })
	switch {
	case told.ManifestDigest == "" || len(failed) == len(s.Locations):
		s.Phase = v1alpha1.PhaseFailed
		w.ready(ended(told, v1alpha1.ReasonRunFailed, failed), "")
		return
	case len(failed) > 0 || told.Reason != "":
		s.Phase = v1alpha1.PhasePartiallyFailed
		w.ready(ended(told, v1alpha1.ReasonPartiallyFailed, failed), "")
	default:
		s.Phase = v1alpha1.PhaseComplete
		w.ready(nil, v1alpha1.ReasonSucceeded)
	}
	s.Record = &v1alpha1.BackupRecord{
		Version: run.Version, KeyVersion: told.KeyVersion, ManifestDigest: told.ManifestDigest, Repository: run.Repository,
		Bytes: told.Bytes, Rows: told.Rows,
	}
}

// Report reads what a run has told. The error is an outcome.Invalid with the reason that Kubernetes knows, when the run told nothing.
func Report(run *facts.Run) (result.Result, error) {
	if run.Report == "" {
		why := cmp.Or(run.Why, "no reason is known")
		return result.Result{}, outcome.Reject(v1alpha1.ReasonRunFailed, "the run ended without telling what came of it: %s", result.Line(why))
	}
	told, err := result.ParseResult(run.Report, run.Locations)
	if err != nil {
		return result.Result{}, outcome.Reject(v1alpha1.ReasonRunFailed, "what the run told is not believed: %s", err)
	}
	if !run.Succeeded && told.Reason == "" {
		return result.Result{}, outcome.Reject(v1alpha1.ReasonRunFailed, "the run failed and told no reason: %s", result.Line(run.Why))
	}
	return told, nil
}

// parts are the locations that were asked for, each with what came of it.
func parts(wanted []string, told result.Result) []v1alpha1.BackupLocationStatus {
	out := make([]v1alpha1.BackupLocationStatus, len(wanted))
	for i, name := range wanted {
		out[i] = v1alpha1.BackupLocationStatus{Name: name, Phase: v1alpha1.PhaseFailed, Message: "nothing was written: the run was not told of it; does it exist? See kubectl get crmbackuplocations"}
		at := slices.IndexFunc(told.Locations, func(l result.Location) bool { return l.Name == name })
		if at < 0 {
			continue
		}
		l := told.Locations[at]
		out[i].Snapshots, out[i].BytesAdded = slices.Compact(slices.Sorted(slices.Values(l.Snapshots))), l.BytesAdded
		out[i].Message = l.Message
		if l.Message == "" {
			out[i].Phase = v1alpha1.PhaseComplete
		}
	}
	return out
}

// ended is the verdict on a run that has not done all of its work.
func ended(told result.Result, otherwise string, failed []v1alpha1.BackupLocationStatus) error {
	message := []string{told.Message}
	for _, l := range failed {
		message = append(message, l.Name+": "+l.Message)
	}
	message = slices.DeleteFunc(message, func(m string) bool { return m == "" })
	reason := otherwise
	if otherwise != v1alpha1.ReasonPartiallyFailed {
		reason = cmp.Or(told.Reason, otherwise)
	}
	return outcome.Reject(reason, "%s", cmp.Or(strings.Join(message, "; "), "the run told no more"))
}

// BackupDeleting folds a step of the teardown into the status.
func BackupDeleting(b *v1alpha1.CRMBackup, err error, now metav1.Time) v1alpha1.CRMBackupStatus {
	s := *b.Status.DeepCopy()
	s.ObservedGeneration = b.Generation
	writer{conditions: &s.Conditions, generation: b.Generation, now: now}.ready(err, v1alpha1.ReasonDeleting)
	return s
}
