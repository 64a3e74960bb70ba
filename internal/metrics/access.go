package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// What no status tells of role policies: how much work they are.
var (
	calls     = prometheus.NewCounterVec(prometheus.CounterOpts{Name: adapterCalls.Name, Help: adapterCalls.Help}, adapterCalls.Labels)
	durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: adapterDuration.Name, Help: adapterDuration.Help, Buckets: []float64{0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120},
	}, adapterDuration.Labels)
	// A person is to be out within 30 seconds.
	leavers = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: leaverDuration.Name, Help: leaverDuration.Help, Buckets: []float64{1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600},
	}, leaverDuration.Labels)
)

// ObserveAdapter notes what an adapter has done with one CRM in a mode, and the calls that it made. The result is Failed with an error.
func ObserveAdapter(adapter, mode string, made int, took time.Duration, err error) {
	result := "Succeeded"
	if err != nil {
		result = "Failed"
	}
	calls.WithLabelValues(adapter).Add(float64(made))
	durations.WithLabelValues(adapter, mode, result).Observe(took.Seconds())
}

// ObserveLeaver notes how long it took until a person who had left was out.
func ObserveLeaver(adapter string, took time.Duration) {
	leavers.WithLabelValues(adapter).Observe(took.Seconds())
}

func (s scrape) tellAccess(env *v1alpha1.CRMEnvironment, labels ...string) {
	a := env.Status.Access
	if a == nil {
		return
	}
	s.tellTime(closedSince, a.ClosedSince, labels...)
	if a.Administrator != "" {
		s.tellFlag(administratorOpen, a.Administrator == v1alpha1.AdministratorOpen, labels...)
	}
	if len(a.Policies) == 0 {
		return
	}
	pending := 0
	for _, l := range a.Leavers {
		if l.DoneAt == nil {
			pending++
		}
	}
	s.tellCondition(rolesEnforced, env.Status.Conditions, v1alpha1.ConditionRolesEnforced, labels...)
	s.tell(people, float64(a.People), labels...)
	s.tell(driftDifferences, float64(len(a.Drift)), labels...)
	s.tell(unknownAccounts, float64(len(a.UnknownAccounts)), labels...)
	s.tell(leaversPending, float64(pending), labels...)
}
