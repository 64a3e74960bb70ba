// Package upgrade proves that a version of crmkeep takes over what the version before it has made: no pod restarts that did not change,
// and nothing is lost. See "Upgrade" in docs/how-to/install.md.
package upgrade

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
)

// upgrade is what there was before and after one, and what both versions plan.
type upgrade struct {
	*world
	before, after       record
	planned, plannedNow plan
	// classes in files that the administrator wrote.
	classes string
}

func TestAnUpgradeTakesOverWhatThePreviousVersionMade(t *testing.T) {
	from, to := previous(t), current(t)
	u := &upgrade{world: newWorld(t), classes: from.file("test/classes/ttrss.yaml")}
	u.install(t, from)
	manager := u.operate(t, from)
	u.declare(t, u.classes)
	u.settle(t, manager)
	u.planned = u.planOf(t, from, from.file("config/classes/tryton.yaml"), u.classes)
	manager.Stop(t)
	u.before = u.record(t)

	u.install(t, to)
	u.forget()
	manager = u.operate(t, to)
	u.allSettled(t)
	u.settle(t, manager)
	u.plannedNow = u.planOf(t, to, to.file("config/classes/tryton.yaml"), u.classes)
	u.after = u.record(t)
	t.Logf("the upgrade wrote %d times: %v", len(u.writes()), u.writes())

	t.Run("nothing is deleted or made anew", u.nothingIsDeletedOrMadeAnew)
	t.Run("what is planned as before is left as it is", u.whatIsPlannedAsBeforeIsLeft)
	t.Run("pods whose template is planned as before run on", u.podsRunOn)
	t.Run("what was ready is ready all along", u.readyAllAlong)
	t.Run("keys, secrets and the issuer are the same", u.keysAreTheSame)
	t.Run("the record of a backup says what it said", u.recordsStay)
	t.Run("a certificate of destruction verifies", func(t *testing.T) { u.certificateVerifies(t, to) })
	t.Run("the next start writes nothing", func(t *testing.T) {
		manager.Stop(t)
		u.forget()
		again := u.operate(t, to)
		u.allSettled(t)
		u.settle(t, again)
		assert.Empty(t, u.writes())
	})
	t.Run("what was under way goes on", func(t *testing.T) {
		u.operate(t, to)
		u.goesOn(t)
	})
}

// forget what the manager has written so far.
func (w *world) forget() {
	w.api.Reset()
	w.secrets.Reset()
}

// writes of the manager that change something: neither events and leases, nor logins.
func (w *world) writes() []faultproxy.Request {
	var all []faultproxy.Request
	for _, r := range append(w.api.Writes(), w.secrets.Writes()...) {
		if !incidental.MatchString(r.Path) {
			all = append(all, r)
		}
	}
	return all
}
