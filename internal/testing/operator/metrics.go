package operator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Works tells whether the workers run: they are counted once the caches that they read are full.
func (m *Manager) Works() error {
	n, err := m.sum("controller_runtime_max_concurrent_reconciles", "crmenvironment", "crmtenant")
	if err == nil && n == 0 {
		err = errors.New("no worker runs")
	}
	return err
}

// idle tells whether nothing is queued or being worked on.
func (m *Manager) idle() error {
	queued, err := m.sum("workqueue_depth")
	if err != nil {
		return err
	}
	active, err := m.sum("controller_runtime_active_workers")
	if err == nil && queued+active > 0 {
		err = fmt.Errorf("%v queued, %v worked on", queued, active)
	}
	return err
}

// passes counts what the controllers have done.
func (m *Manager) passes() (float64, error) { return m.sum("controller_runtime_reconcile_total") }

// sum adds up a metric of the controllers, all when none is named.
func (m *Manager) sum(name string, controllers ...string) (float64, error) {
	response, err := http.Get("http://" + m.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, metric := range families[name].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == "controller" && (len(controllers) == 0 || slices.Contains(controllers, label.GetValue())) {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum, nil
}

// Quiet tells, asked again and again, when managers have nothing to do and have done nothing for a while, retries after a conflict
// included.
func Quiet(managers ...*Manager) func() error {
	const enough = 8
	last, looks := -1.0, 0
	return func() error {
		done := 0.0
		for _, m := range managers {
			passes, err := m.passes()
			if err == nil {
				err = m.idle()
			}
			if err != nil {
				last, looks = -1, 0
				return err
			}
			done += passes
		}
		if looks++; done != last {
			last, looks = done, 0
		}
		if looks < enough {
			return fmt.Errorf("quiet for %d looks only", looks)
		}
		return nil
	}
}
