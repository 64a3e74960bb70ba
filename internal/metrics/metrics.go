// Package metrics tells monitoring how the backups fare. All but the counters is read from statuses when it is asked for, so it is never
// older than they are, and what is gone is told of no more.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Labels. Their values are names of Kubernetes objects, and never anything out of a CRM.
const (
	labelTenant      = "tenant"
	labelEnvironment = "environment"
	labelSchedule    = "schedule"
	labelPhase       = "phase"
	labelResult      = "result"
	labelLocation    = "location"
)

// Metric is one that the manager serves besides those of controller-runtime.
type Metric struct {
	Name   string
	Labels []string
	// Help says what it is, in which unit.
	Help string

	desc *prometheus.Desc
}

// All metrics, in the order of the reference.
var All []*Metric

func define(name, help string, labels ...string) *Metric {
	m := &Metric{Name: name, Labels: labels, Help: help, desc: prometheus.NewDesc(name, help, labels, nil)}
	All = append(All, m)
	return m
}

var (
	ofEnvironment = []string{labelTenant, labelEnvironment}
	ofSchedule    = []string{labelTenant, labelEnvironment, labelSchedule}

	backupTime = define("crmkeep_backup_last_timestamp_seconds",
		"When the newest backup of the environment that can be restored was complete, in Unix time.", ofEnvironment...)
	backupBytes = define("crmkeep_backup_last_bytes",
		"How much that backup holds, in bytes before deduplication.", ofEnvironment...)
	backupDuration = define("crmkeep_backup_last_duration_seconds",
		"How long that backup took.", ofEnvironment...)
	backupPhase = define("crmkeep_backup_phase",
		"1 for the phase of the environment's newest backup, whether it can be restored or not.", labelTenant, labelEnvironment, labelPhase)
	backupProgress = define("crmkeep_backup_running_bytes",
		"How much a backup that runs has read so far, in bytes. Only while one runs.", ofEnvironment...)
	keyVersion = define("crmkeep_environment_key_version",
		"The newest version of the environment's key.", ofEnvironment...)
	keyNeeded = define("crmkeep_environment_key_needed_version",
		"The oldest version of the environment's key that a backup needs which is still kept.", ofEnvironment...)

	scheduleBackup = define("crmkeep_schedule_last_backup_timestamp_seconds",
		"When the schedule's newest complete backup was made, in Unix time.", ofSchedule...)
	scheduleProven = define("crmkeep_schedule_last_proven_timestamp_seconds",
		"When a drill of the schedule last passed, in Unix time.", ofSchedule...)
	scheduleHealthy = define("crmkeep_schedule_backup_healthy",
		"1 when the schedule's BackupHealthy condition is True, else 0.", ofSchedule...)
	measuredRTO = define("crmkeep_schedule_measured_rto_seconds",
		"How long the last drill that passed took to recover.", ofSchedule...)
	measuredRPO = define("crmkeep_schedule_measured_rpo_seconds",
		"How much work the last drill that passed would have lost.", ofSchedule...)
	drillsTotal = define("crmkeep_drills_total",
		"Drills that have ended since the manager started, by result: Complete or Failed.", labelTenant, labelEnvironment, labelSchedule, labelResult)

	locationReady = define("crmkeep_backup_location_ready",
		"1 when backups can go to the location, else 0.", labelLocation)
)

// drills counts what no status tells: how many there were.
var drills = prometheus.NewCounterVec(prometheus.CounterOpts{Name: drillsTotal.Name, Help: drillsTotal.Help}, drillsTotal.Labels)

// CountDrill counts a drill that has ended in a phase.
func CountDrill(tenant, environment, schedule, phase string) {
	drills.WithLabelValues(tenant, environment, schedule, phase).Inc()
}

// ForgetSchedule ends the counting for a schedule that is gone.
func ForgetSchedule(tenant, environment, schedule string) {
	drills.DeletePartialMatch(prometheus.Labels{labelTenant: tenant, labelEnvironment: environment, labelSchedule: schedule})
}
