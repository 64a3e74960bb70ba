package controllers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

func (p protected) restore(t *testing.T, name, backup string) *v1alpha1.CRMRestore {
	t.Helper()
	r := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: name},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: backup}},
			To:   v1alpha1.RestoreTo{EnvironmentRef: &v1alpha1.LocalReference{Name: p.env.Name}},
		},
	}
	if backup == "" {
		r.Spec.From = v1alpha1.RestoreFrom{NewestOf: &v1alpha1.NewestBackup{EnvironmentRef: v1alpha1.LocalReference{Name: p.env.Name}}}
	}
	p.create(t, r)
	return r
}

func (in *installation) restoreComesTo(t *testing.T, r *v1alpha1.CRMRestore, phase, want string) {
	t.Helper()
	in.until(t, "restore "+r.Name+" comes to "+want, func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(r), r); err != nil {
			return err
		}
		if err := statuscheck.Is(r.Generation, r.Status.ObservedGeneration, r.Status.Conditions, want); err != nil {
			return err
		}
		return mustBe(r.Status.Phase == phase, "phase %s", r.Status.Phase)
	})
}

var restored = `{"manifestDigest":"` + strings.Repeat("0a", 32) + `","rows":42}`

func restoreStopsAndStarts(t *testing.T, in *installation) {
	p := in.protected(t, "rewinding")
	p.done(t, "older")
	newest := p.done(t, "newer")

	r := p.restore(t, "back", "")
	pod := p.run(t, "restore.back")
	assert.ElementsMatch(t, []string{"database", "restore"}, in.pods(t, p.env), "nothing else runs meanwhile")
	assert.Equal(t, "crm-rewinding--prod", pod.Spec.ServiceAccountName)
	in.comesTo(t, p.env, "Reconciling Restoring")
	require.NoError(t, in.Get(t.Context(), client.ObjectKeyFromObject(r), r))
	assert.Equal(t, newest.Name, r.Status.Backup)
	waiting := p.backup(t, "meanwhile")
	in.backupComesTo(t, waiting, v1alpha1.PhasePending, "Reconciling Restoring")
	require.NoError(t, in.Delete(t.Context(), waiting))

	p.tells(t, "restore.back", 0, restored)
	in.restoreComesTo(t, r, v1alpha1.PhaseComplete, "True Succeeded")
	require.NotNil(t, r.Status.KeptUntil)
	in.comesTo(t, p.env, "True Succeeded")
	assert.ElementsMatch(t, []string{"database", "queue", "web"}, in.pods(t, p.env))
	p.nothingIsLeft(t)
	in.until(t, "it is known how long each stage took", func() error {
		err := in.Get(t.Context(), client.ObjectKeyFromObject(r), r)
		return mustBe(err == nil && slices.Equal(stages(r), []string{"Stop", "Restore", "Start"}), "%v", r.Status.Stages)
	})

	edit(t, in, r, func(r *v1alpha1.CRMRestore) { r.Spec.Confirmation = "Confirmed" })
	p.tells(t, "drop.back", 0, "{}")
	in.until(t, "nothing is kept any more", func() error {
		return mustBe(in.Get(t.Context(), client.ObjectKeyFromObject(r), r) == nil && r.Status.KeptUntil == nil, "%v", r.Status.KeptUntil)
	})
	p.nothingIsLeft(t)
	require.NoError(t, in.Delete(t.Context(), r))
	in.gone(t, r)
}

// stages of a restore that have ended.
func stages(r *v1alpha1.CRMRestore) []string {
	var names []string
	for _, stage := range r.Status.Stages {
		names = append(names, stage.Name)
	}
	return names
}

func failedRestoreLeavesItAsItWas(t *testing.T, in *installation) {
	p := in.protected(t, "resilient")
	p.done(t, "good")
	r := p.restore(t, "try", "good")
	p.fails(t, "restore.try", `{"reason":"VerifyFailed","message":"a table is not what was backed up"}`)
	in.restoreComesTo(t, r, v1alpha1.PhaseFailed, "Stalled VerifyFailed")
	in.comesTo(t, p.env, "True Succeeded")
	p.nothingIsLeft(t)

	r = p.restore(t, "forged", "good")
	p.tells(t, "restore.forged", 0, `{"reason":"ManifestUntrusted","message":"the signature is not the environment's","refused":true}`)
	in.restoreComesTo(t, r, v1alpha1.PhaseRefused, "Stalled ManifestUntrusted")
	in.comesTo(t, p.env, "True Succeeded")
}

func killedRestoreIsUndone(t *testing.T, in *installation) {
	p := in.protected(t, "phoenix")
	p.done(t, "good")
	r := p.restore(t, "killed", "good")
	p.tells(t, "restore.killed", 0, "")
	p.run(t, "undo.killed")
	assert.ElementsMatch(t, []string{"database", "restore"}, in.pods(t, p.env), "nothing starts on what may be half restored")
	p.tells(t, "undo.killed", 0, "{}")
	in.restoreComesTo(t, r, v1alpha1.PhaseFailed, "Stalled RunFailed")
	in.comesTo(t, p.env, "True Succeeded")
	p.nothingIsLeft(t)

	r = p.restore(t, "cancelled", "good")
	p.run(t, "restore.cancelled")
	require.NoError(t, in.Delete(t.Context(), r))
	p.tells(t, "undo.cancelled", 0, "{}")
	in.gone(t, r)
	in.comesTo(t, p.env, "True Succeeded")
	p.nothingIsLeft(t)
}

func restoreIsRefused(t *testing.T, in *installation) {
	owner := in.protected(t, "owning")
	theirs := owner.done(t, "theirs")
	p := in.protected(t, "envious")
	broken := p.backup(t, "broken")
	p.tells(t, "backup.broken", 0, "{}")
	in.backupComesTo(t, broken, v1alpha1.PhaseFailed, "Stalled RunFailed")
	before := in.pods(t, p.env)

	for name, c := range map[string]struct{ backup, want string }{
		"of-another-tenant": {theirs.Name, "Stalled BackupNotFound"},
		"by-a-path":         {"crm-owning.theirs", "Stalled BackupNotFound"},
		"of-nothing":        {broken.Name, "Stalled BackupUnusable"},
		"of-no-newest":      {"", "Stalled BackupNotFound"},
	} {
		in.restoreComesTo(t, p.restore(t, name, c.backup), v1alpha1.PhaseRefused, c.want)
	}

	// A record that was forged speaks of another tenant's repository, or of a key that is gone.
	forged := p.done(t, "forged")
	forged.Status.Record.Repository = theirs.Status.Record.Repository
	require.NoError(t, in.Status().Update(t.Context(), forged))
	in.restoreComesTo(t, p.restore(t, "of-another-repository", "forged"), v1alpha1.PhaseRefused, "Stalled KeyVersionGone")
	aged := p.done(t, "aged")
	aged.Status.Record.Version = "1.0"
	require.NoError(t, in.Status().Update(t.Context(), aged))
	in.restoreComesTo(t, p.restore(t, "of-another-version", "aged"), v1alpha1.PhaseRefused, "Stalled VersionMismatch")

	intoNew := &v1alpha1.CRMRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.env.Namespace, Name: "into-new"},
		Spec: v1alpha1.CRMRestoreSpec{
			From: v1alpha1.RestoreFrom{BackupRef: &v1alpha1.LocalReference{Name: "forged"}},
			To:   v1alpha1.RestoreTo{NewEnvironment: &v1alpha1.NewEnvironment{Name: "copy"}},
		},
	}
	p.create(t, intoNew)
	in.restoreComesTo(t, intoNew, v1alpha1.PhaseRefused, "Stalled KeyVersionGone")
	assert.ElementsMatch(t, before, in.pods(t, p.env), "nothing was stopped")
}
