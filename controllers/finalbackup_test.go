package controllers_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
)

// finalBackup waits for the CRMBackup that the environment's deletion has made.
func (p protected) finalBackup(t *testing.T, attempt int) *v1alpha1.CRMBackup {
	t.Helper()
	b := &v1alpha1.CRMBackup{}
	name := naming.FinalBackup(p.env.Name, string(p.env.UID), attempt)
	p.until(t, "CRMBackup "+name+" is made", func() error {
		return p.Get(t.Context(), client.ObjectKey{Namespace: p.env.Namespace, Name: name}, b)
	})
	return b
}

func (p protected) wantsFinalBackup(t *testing.T, change ...func(*v1alpha1.CRMEnvironment)) {
	t.Helper()
	edit(t, p.installation, p.env, func(e *v1alpha1.CRMEnvironment) {
		e.Spec.FinalBackup = &v1alpha1.FinalBackup{Locations: p.locations}
		for _, c := range change {
			c(e)
		}
	})
}

// deletionSays waits until the environment's deletion waits for its final backup and says that.
func (p protected) deletionSays(t *testing.T, want string) {
	t.Helper()
	p.until(t, "the deletion says "+want, func() error {
		if err := p.Get(t.Context(), client.ObjectKeyFromObject(p.env), p.env); err != nil {
			return err
		}
		c := meta.FindStatusCondition(p.env.Status.Conditions, v1alpha1.ConditionReady)
		return mustBe(c != nil && c.Reason == v1alpha1.ReasonFinalBackup && contains(c.Message, want), "%v", c)
	})
	assert.Contains(t, message(p.env, v1alpha1.ConditionReady), "Remove spec.finalBackup to go on without it")
}

// contains tells whether a text has all the parts.
func contains(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func deletionWaitsForItsFinalBackup(t *testing.T, in *installation) {
	p := in.protected(t, "prudent")
	p.wantsFinalBackup(t)
	pods := in.pods(t, p.env)
	require.NoError(t, in.Delete(t.Context(), p.env))

	b := p.finalBackup(t, 1)
	assert.Empty(t, b.Labels[naming.LabelSchedule], "no schedule's retention ever forgets it")
	p.deletionSays(t, b.Name+" is Running")
	p.run(t, "backup."+b.Name)
	assert.Subset(t, in.pods(t, p.env), pods, "nothing is taken apart")
	p.tells(t, "backup."+b.Name, 0, told(p.locations[:1], p.locations[1]))
	in.backupComesTo(t, b, v1alpha1.PhasePartiallyFailed, "Stalled PartiallyFailed")
	p.deletionSays(t, b.Name+" is not in every location, and another is made at")
	assert.Subset(t, in.pods(t, p.env), pods)

	// Another location takes the place of the one that fails: that is asked for anew.
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.FinalBackup.Locations = p.locations[:1] })
	again := p.finalBackup(t, 2)
	p.tells(t, "backup."+again.Name, 0, told(p.locations[:1]))
	in.backupComesTo(t, again, v1alpha1.PhaseComplete, "True Succeeded")
	in.gone(t, p.env)
	assert.Equal(t, again.Name, p.env.Status.FinalBackup)
	assert.NotNil(t, in.inVault(t, p.env).EncryptionKey, "the backup can be read")
	p.toldWhereItIs(t, "Backups are kept at "+p.locations[0]+" (https://", "/backups/"+p.locations[0]+"/"+again.Status.Record.Repository)
}

// toldWhereItIs looks for the event in the home namespace that outlives the environment.
func (p protected) toldWhereItIs(t *testing.T, parts ...string) {
	t.Helper()
	p.until(t, "an event tells where what is kept is", func() error {
		var list eventsv1.EventList
		if err := p.List(t.Context(), &list, client.InNamespace(p.env.Namespace)); err != nil {
			return err
		}
		for _, e := range list.Items {
			if e.Reason == v1alpha1.ReasonRetained && e.Regarding.Name == p.env.Name && contains(e.Note, parts...) {
				return nil
			}
		}
		return mustBe(false, "none of %d", len(list.Items))
	})
}

func finalBackupCanBeGivenUp(t *testing.T, in *installation) {
	p := in.protected(t, "rushing")
	p.wantsFinalBackup(t, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateSuspended })
	in.comesTo(t, p.env, "True Suspended")
	require.NoError(t, in.Delete(t.Context(), p.env))
	b := p.finalBackup(t, 1)
	p.deletionSays(t, "set its spec.state to Running")

	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.State = "" })
	p.run(t, "backup."+b.Name)
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.FinalBackup = nil })
	in.gone(t, p.env)
	in.gone(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: workloadNamespace(p.env)}})
	in.backupComesTo(t, b, v1alpha1.PhaseFailed, "Stalled RunLost")
}

func shredWritesItsBackupsOff(t *testing.T, in *installation) {
	p := in.protected(t, "thoroughly")
	edit(t, in, p.env, func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionShred })
	first := p.done(t, "first")
	p.wantsFinalBackup(t)
	require.NoError(t, in.Delete(t.Context(), p.env))
	final := p.finalBackup(t, 1)
	p.tells(t, "backup."+final.Name, 0, told(p.locations))
	in.gone(t, p.env)

	for _, b := range []*v1alpha1.CRMBackup{first, final} {
		in.backupComesTo(t, b, v1alpha1.PhaseComplete, "Stalled KeyVersionGone")
		assert.NotNil(t, b.Status.Record, "it tells what there was")
	}
	var stored corev1.ConfigMap
	require.NoError(t, in.Get(t.Context(), client.ObjectKey{Namespace: p.env.Namespace, Name: teardown.CertificateName(p.env)}, &stored))
	var certificate evidence.Certificate
	require.NoError(t, json.Unmarshal([]byte(stored.Data["certificate.json"]), &certificate))
	statement, err := certificate.Verify()
	require.NoError(t, err)
	require.Len(t, statement.Backups, 2)
	assert.Equal(t, "first", statement.Backups[0].Name)
	assert.Equal(t, naming.BackupID("first", string(first.UID)), statement.Backups[0].ID)
	assert.Equal(t, p.locations, statement.Backups[0].Locations)
	assert.Equal(t, first.Status.Record.Repository, statement.Backups[0].Repository)
	assert.Equal(t, final.Name, statement.Backups[1].Name)

	// One of the same name that is made anew does not count them as its own.
	p.env = in.ready(t, "thoroughly", "prod")
	assert.Zero(t, p.env.Status.Encryption.NeededKeyVersion)
}

func keyVersionsAreCounted(t *testing.T, in *installation) {
	p := in.protected(t, "counting")
	b := p.done(t, "first")
	in.until(t, "the environment says what its backups need", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(p.env), p.env); err != nil {
			return err
		}
		e := p.env.Status.Encryption
		return mustBe(e.NeededKeyVersion == 1 && len(e.NeededBy) == 1 && e.NeededBy[0] == "first", "%+v", e)
	})
	require.NoError(t, in.Delete(t.Context(), b))
	in.until(t, "nothing needs it any more", func() error {
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(p.env), p.env); err != nil {
			return err
		}
		return mustBe(p.env.Status.Encryption.NeededKeyVersion == 0, "%+v", p.env.Status.Encryption)
	})
}
