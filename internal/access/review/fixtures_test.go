package review_test

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/evidence"
)

// now is when the tests take place.
var now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// program of one policy with the roles rep and lead, bound as told.
func program(bindings ...v1alpha1.RoleBinding) *compile.Program {
	class := &v1alpha1.CRMClass{Spec: v1alpha1.CRMClassSpec{Admin: &v1alpha1.ClassAdmin{Login: "admin"}}}
	policy := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Name: "sales"}, Spec: v1alpha1.CRMRolePolicySpec{
		Environments: []string{"prod"}, Roles: []v1alpha1.Role{{Name: "rep"}, {Name: "lead"}}, Bindings: bindings,
	}}
	return compile.Compile(compile.Input{Environment: "prod", Class: class, Policies: []*v1alpha1.CRMRolePolicy{policy}, Now: now})
}

// bound gives a role to people until a time; zero: without end.
func bound(role string, until time.Time, reason string, logins ...string) v1alpha1.RoleBinding {
	b := v1alpha1.RoleBinding{Role: role, Reason: reason}
	if !until.IsZero() {
		b.ExpiresAt = &metav1.Time{Time: until}
	}
	for _, login := range logins {
		b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login})
	}
	return b
}

func statement(rows ...evidence.ReviewRow) evidence.ReviewStatement {
	return evidence.ReviewStatement{
		Tenant: "acme", Environment: "prod", Class: "tryton", AskedFor: "2026-11-22T00:00:00Z", ReviewedAt: "2026-11-22T00:00:02Z",
		Rows: rows, RowCount: len(rows),
	}
}
