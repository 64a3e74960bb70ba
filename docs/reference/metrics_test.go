package reference

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crmkeep/crmkeep/internal/metrics"
)

func TestTheMetricsPageIsCurrent(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Metrics

What the manager serves at its metrics address, besides the metrics of controller-runtime. All but the counters and histograms is
read from the objects' statuses at each scrape: what is not known, or gone, has no sample. Only the replica that leads tells them. Labels are names of
Kubernetes objects; nothing out of a CRM is ever in a metric.

| Metric | Labels | Meaning |
|---|---|---|
`)
	for _, m := range metrics.All {
		fmt.Fprintf(&page, "| `%s` | `%s` | %s |\n", m.Name, strings.Join(m.Labels, "`, `"), m.Help)
	}
	page.WriteString(`
What is worth an alert:

` + "```text" + `
time() - crmkeep_schedule_last_proven_timestamp_seconds > 14 * 86400   # no drill has passed for two weeks
crmkeep_schedule_backup_healthy == 0                                   # the condition BackupHealthy says why
increase(crmkeep_drills_total{result="Failed"}[1d]) > 0                # a drill has failed
crmkeep_backup_location_ready == 0                                     # backups cannot go there
crmkeep_environment_leavers_pending > 0                                # for longer than a minute: somebody who has left can still log in
crmkeep_environment_roles_enforced == 0                                # the condition RolesEnforced says why
time() - crmkeep_environment_closed_timestamp_seconds > 600            # people have been kept out for ten minutes
crmkeep_environment_administrator_open == 1                            # somebody has broken the glass
` + "```" + `
`)
	requireCurrent(t, "metrics.md", page.String())
}
