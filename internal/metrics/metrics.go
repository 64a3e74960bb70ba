// Package metrics tells monitoring how backups and role policies fare. All but the counters and histograms is read from statuses when it is
// asked for, so it is never older than they are, and what is gone is told of no more.
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
	labelAdapter     = "adapter"
	labelMode        = "mode"
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

	rolesEnforced = define("crmkeep_environment_roles_enforced",
		"1 when the environment's RolesEnforced condition is True, else 0. Only where a role policy holds.", ofEnvironment...)
	people = define("crmkeep_environment_people",
		"How many people hold a role in the environment.", ofEnvironment...)
	driftDifferences = define("crmkeep_environment_drift_differences",
		"How many differences between the CRM and its role policies were found and not reverted; 20 is 20 or more.", ofEnvironment...)
	unknownAccounts = define("crmkeep_environment_unknown_accounts",
		"How many accounts can log in without any policy naming them; 50 is 50 or more.", ofEnvironment...)
	leaversPending = define("crmkeep_environment_leavers_pending",
		"How many people have left and are not out yet.", ofEnvironment...)
	closedSince = define("crmkeep_environment_closed_timestamp_seconds",
		"Since when people are kept out until the roles hold, in Unix time. Only while they are.", ofEnvironment...)
	administratorOpen = define("crmkeep_environment_administrator_open",
		"1 while the CRM's own administrator can log in, else 0. Only where a role policy has touched it.", ofEnvironment...)
	adapterCalls = define("crmkeep_adapter_calls_total",
		"Calls made to the APIs of CRMs since the manager started, by adapter.", labelAdapter)
	adapterDuration = define("crmkeep_adapter_duration_seconds",
		"How long an adapter took with one CRM, by what it was to do (Apply, Report or PutOut) and whether it did: Succeeded or Failed.",
		labelAdapter, labelMode, labelResult)
	leaverDuration = define("crmkeep_leaver_out_seconds",
		"How long it took to put out a person who had left, sessions and API keys included, by adapter.", labelAdapter)
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
