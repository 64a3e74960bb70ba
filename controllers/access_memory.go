package controllers

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
)

// maxRemembered bounds the memory of accessMemory. Forgetting all of it when it is full is what a restart does, too.
const maxRemembered = 10_000

// accessMemory is what passes over role policies remember of the ones before, by environment. All of it can be lost: who left while nobody
// remembered is told by the adapter, and the CRM is compared once more.
type accessMemory struct {
	mu sync.Mutex
	of map[types.UID]accessRemembered
}

type accessRemembered struct {
	decide.Before
	// plan that the CRM was last found to be as, or was brought to, and until when by the monotonic clock that is believed.
	plan  string
	until time.Time
}

func newAccessMemory() *accessMemory { return &accessMemory{of: make(map[types.UID]accessRemembered)} }

func (m *accessMemory) recall(env types.UID) accessRemembered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of[env]
}

func (m *accessMemory) change(env types.UID, change func(*accessRemembered)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.of[env]; !known && len(m.of) >= maxRemembered {
		clear(m.of)
	}
	r := m.of[env]
	change(&r)
	m.of[env] = r
}

// decided notes a decision. While nobody remembers who was let in, those are taken for it whom the status says to be so.
func (m *accessMemory) decided(env types.UID, d *decide.Decision, enforced bool, at time.Time) {
	m.change(env, func(r *accessRemembered) {
		r.At = at
		if r.People == nil && enforced {
			r.People = loginsOf(d.Plan.People)
		}
	})
}

// bringing notes that people of the plan may be let in from now on.
func (m *accessMemory) bringing(env types.UID, d *decide.Decision) {
	m.change(env, func(r *accessRemembered) {
		r.plan = ""
		if d.Mode == access.ModeApply {
			planned := loginsOf(d.Plan.People)
			r.People = append(planned, without(r.People, planned)...)
		}
	})
}

// out notes people who are out.
func (m *accessMemory) out(env types.UID, people []v1alpha1.LeaverStatus) {
	logins := make([]string, 0, len(people))
	for i := range people {
		logins = append(logins, people[i].Name)
	}
	m.change(env, func(r *accessRemembered) {
		if r.People != nil {
			r.People = without(r.People, logins)
		}
	})
}

// brought notes that the CRM is as planned until somebody looks again.
func (m *accessMemory) brought(env types.UID, plan string, until time.Time) {
	m.change(env, func(r *accessRemembered) { r.plan, r.until = plan, until })
}

func loginsOf(people []access.Person) []string {
	logins := make([]string, 0, len(people))
	for i := range people {
		logins = append(logins, people[i].Login)
	}
	return logins
}

// without are the logins that are not among the others.
func without(logins, others []string) []string {
	among := make(map[string]bool, len(others))
	for _, login := range others {
		among[login] = true
	}
	kept := make([]string, 0, len(logins))
	for _, login := range logins {
		if !among[login] {
			kept = append(kept, login)
		}
	}
	return kept
}
