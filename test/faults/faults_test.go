package faults

import "testing"

// Each story has the installation to itself in turn.
func TestFaults(t *testing.T) {
	w := newWorld(t)
	var expected reference
	t.Run("a life that nobody disturbs", func(t *testing.T) { expected = w.undisturbed(t, w.start(t)) })
	if t.Failed() {
		return
	}
	for _, story := range []struct {
		sentence string
		tell     func(*testing.T, *world, reference)
		// long stories wait for much and are for the full form.
		long bool
	}{
		{sentence: "a manager that is killed at any write goes on", tell: killedAtAnyWriteGoesOn},
		{sentence: "every write fails once", tell: everyWriteFailsOnce},
		{sentence: "watches are cut", tell: watchesAreCut, long: true},
		{sentence: "Vault fails once in each stage", tell: vaultFailsOnce, long: true},
		{sentence: "a Vault that is slow is waited for", tell: alone(aSlowVaultIsWaitedFor)},
		{sentence: "a path that Vault forbids is named", tell: alone(aForbiddenPathIsNamed)},
		{sentence: "keys that Vault has lost are not made anew", tell: alone(lostKeysAreNotMadeAnew)},
		{sentence: "an API server that is restarted is waited for", tell: alone(aRestartedAPIServerIsWaitedFor)},
		{sentence: "every object that is deleted or edited is put back", tell: alone(everyObjectIsPutBack)},
		{sentence: "foreign objects of a needed name stay untouched", tell: alone(foreignObjectsStayUntouched)},
		{sentence: "a lost finalizer comes back", tell: alone(aLostFinalizerComesBack)},
		{sentence: "a namespace that is deleted from outside is no silent loss", tell: alone(aNamespaceThatIsDeletedFromOutsideIsNoSilentLoss)},
		{sentence: "two managers that both lead do not fight", tell: twoLeadersDoNotFight, long: true},
		{sentence: "a standby takes over from a leader that is killed", tell: alone(aStandbyTakesOver)},
		{sentence: "attackers write nothing outside their tenant", tell: alone(attackersWriteNothingOutside)},
		{sentence: "a clock that steps loses and repeats nothing", tell: alone(aClockThatStepsLosesAndRepeatsNothing), long: true},
	} {
		if story.long && !*full {
			continue
		}
		t.Run(story.sentence, func(t *testing.T) {
			defer w.use(nil)
			story.tell(t, w, expected)
		})
	}
}

// alone is a story that needs no life to compare with.
func alone(tell func(*testing.T, *world)) func(*testing.T, *world, reference) {
	return func(t *testing.T, w *world, _ reference) { tell(t, w) }
}
