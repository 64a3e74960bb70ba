package validate

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/schedule"
)

// Schedule checks a schedule against the world and reads its cron expression.
func Schedule(s *v1alpha1.CRMBackupSchedule, f *facts.Protected) (schedule.Schedule, error) {
	plan, err := schedule.Parse(string(s.Spec.Schedule), s.Spec.TimeZone)
	if err != nil {
		return schedule.Schedule{}, outcome.Reject(v1alpha1.ReasonScheduleInvalid, "spec: %s", err)
	}
	switch {
	case s.Spec.State == scheduleSuspended:
		return plan, outcome.Wait(v1alpha1.ReasonScheduleSuspended, 0, "spec.state is Suspended")
	case f.Environment == nil:
		return plan, outcome.Wait(v1alpha1.ReasonEnvironmentNotFound, runPatience,
			"spec.environmentRef: CRMEnvironment %q does not exist in this namespace; another tenant's cannot be named", s.Spec.EnvironmentRef.Name)
	case f.Tenant == nil:
		return plan, outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "the tenant of this namespace does not exist")
	}
	for _, name := range s.Spec.Locations {
		l, ok := f.Locations[name]
		if !ok {
			continue // It is made later, or each backup says that it is missing.
		}
		if err := Location(f.Tenant, &l); err != nil {
			// Another edit than one of the schedule can mend it.
			refused, _ := outcome.AsInvalid(err)
			return plan, outcome.Wait(refused.Reason, patience, "spec.locations: %s", refused.Message)
		}
	}
	return plan, nil
}

// Drills reads the cron expression of a schedule's drills; zero when there are none.
func Drills(s *v1alpha1.CRMBackupSchedule) (schedule.Schedule, error) {
	if s.Spec.Drill == nil {
		return schedule.Schedule{}, nil
	}
	plan, err := schedule.Parse(string(s.Spec.Drill.Schedule), s.Spec.TimeZone)
	if err != nil {
		return plan, outcome.Reject(v1alpha1.ReasonScheduleInvalid, "spec.drill: %s", err)
	}
	return plan, nil
}

const scheduleSuspended = "Suspended"
