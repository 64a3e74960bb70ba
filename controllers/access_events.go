package controllers

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/terminal"
)

// mostNamed in an event.
const mostNamed = 10

// tell makes events of what a pass came to, after its status was written.
func (r *Access) tell(w *accessWork, known *v1alpha1.AccessStatus, report *access.Report, out []v1alpha1.LeaverStatus) {
	r.tellLeavers(w, out)
	if len(report.Invited) > 0 {
		r.event(w, corev1.EventTypeNormal, v1alpha1.ReasonInvited, "Invite", fmt.Sprintf(
			"first passwords were made for %s; hand each on with: crmkeep invite -n %s --environment %s --user <login>",
			named(report.Invited), w.env.Namespace, w.env.Name))
	}
	r.tellDrift(w, known, report)
	r.tellAdministrator(w, known)
}

func (r *Access) tellLeavers(w *accessWork, out []v1alpha1.LeaverStatus) {
	if len(out) == 0 {
		return
	}
	names, longest := make([]string, 0, len(out)), time.Duration(0)
	for _, l := range out {
		took := max(l.DoneAt.Sub(l.AskedAt.Time), 0)
		names, longest = append(names, l.Name), max(longest, took)
		metrics.ObserveLeaver(w.seen.Class.Spec.Adapter, took)
	}
	r.event(w, corev1.EventTypeNormal, v1alpha1.ReasonLeaverOut, "PutOut",
		fmt.Sprintf("%s can no longer log in, %d seconds after the last binding had ended", named(names), int(longest.Round(time.Second).Seconds())))
}

// tellDrift speaks of differences that somebody has made in the CRM, and not of those that a change of the policies makes.
func (r *Access) tellDrift(w *accessWork, known *v1alpha1.AccessStatus, report *access.Report) {
	if known.EnforcedAt == nil || w.d.Mode == access.ModePutOut {
		return
	}
	if len(report.Applied) > 0 {
		r.event(w, corev1.EventTypeWarning, v1alpha1.ReasonDriftReverted, "Revert",
			"undone, as it was not changed by a role policy: "+described(report.Applied))
	}
	is := w.env.Status.Access
	if is != nil && len(is.Drift) > 0 && !equality.Semantic.DeepEqual(is.Drift, known.Drift) {
		r.event(w, corev1.EventTypeWarning, v1alpha1.ReasonDrifted, "Compare", "changed in the CRM, and not by a role policy: "+described(status.Open(report)))
	}
}

// tellAdministrator speaks of each opening and each locking of the CRM's own administrator.
func (r *Access) tellAdministrator(w *accessWork, known *v1alpha1.AccessStatus) {
	is, glass := w.env.Status.Access, w.env.Spec.BreakGlass
	switch {
	case is == nil || is.Administrator == known.Administrator:
	case is.Administrator == v1alpha1.AdministratorLocked:
		r.event(w, corev1.EventTypeNormal, v1alpha1.ReasonGlassBroken, "Lock", "the CRM's own administrator can no longer log in")
	case len(is.Policies) == 0 || glass == nil:
		r.event(w, corev1.EventTypeWarning, v1alpha1.ReasonGlassBroken, "Open", "the CRM's own administrator can log in: no role policy is left")
	default:
		r.event(w, corev1.EventTypeWarning, v1alpha1.ReasonGlassBroken, "Open", fmt.Sprintf("the CRM's own administrator can log in until %s, by %s: %s",
			glass.ExpiresAt.UTC().Format(time.RFC3339), glass.By, glass.Reason))
	}
}

func (r *Access) event(w *accessWork, kind, reason, action, note string) {
	r.Status.event(w.env, kind, reason, action, note)
}

func described(differences []access.Difference) string {
	all := make([]string, 0, len(differences))
	for _, d := range differences {
		switch {
		case d.Found == "":
			all = append(all, fmt.Sprintf("%s (planned %s)", d.Subject, d.Planned))
		case d.Planned == "":
			all = append(all, fmt.Sprintf("%s (found %s)", d.Subject, d.Found))
		default:
			all = append(all, fmt.Sprintf("%s (found %s, planned %s)", d.Subject, d.Found, d.Planned))
		}
	}
	for i := range all {
		all[i] = terminal.Line(all[i]) // The names are the CRM's.
	}
	return named(all)
}

func named(all []string) string {
	if len(all) <= mostNamed {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:mostNamed], ", "), len(all)-mostNamed)
}
