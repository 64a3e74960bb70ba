package controllers

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/compile"
	"github.com/crmkeep/crmkeep/internal/access/review"
	"github.com/crmkeep/crmkeep/internal/apply"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/teardown"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/status"
)

// Reviews signs lists of who can log in to CRMs, and keeps the newest of each.
type Reviews struct {
	Applier  *apply.Applier
	Vault    Signer
	Settings settings.Settings
}

// longestQuestion is how much of the annotation is answered, in characters: what status.access.reviewed may hold.
const longestQuestion = 100

// question is the annotation that asks for a review; empty when none is asked for, or that one was answered.
func question(env *v1alpha1.CRMEnvironment) string {
	asked := []rune(env.Annotations[naming.AnnotationReview])
	question := string(asked[:min(len(asked), longestQuestion)])
	if a := env.Status.Access; a != nil && a.Reviewed == question {
		return ""
	}
	return question
}

// review answers a question, if there is one, after the CRM was brought to its plan: the list is kept first, and then the status says so.
func (r *Access) review(ctx context.Context, w *accessWork, way *crm) error {
	asked := question(w.env)
	if asked == "" {
		return nil
	}
	accounts, err := w.d.Adapter.Accounts(ctx, way.Connection)
	if err != nil {
		return errors.New("listing the accounts of the CRM: " + way.redact(err.Error()))
	}
	now := r.Clock.Now()
	// Policies that are refused are among them: the list says what is declared, and what there is.
	program := compile.Compile(compile.Input{Environment: w.env.Name, Class: w.seen.Class, Policies: w.seen.Policies, Now: now})
	statement := evidence.ReviewStatement{
		Environment: w.env.Name, Class: w.seen.Class.Name, AskedFor: asked, ReviewedAt: now.UTC().Format(time.RFC3339),
		Rows: review.Rows(program, accounts, now),
	}
	if err := r.Reviews.keep(ctx, w.env, statement); err != nil {
		return err
	}
	return r.write(ctx, w, func(env *v1alpha1.CRMEnvironment) v1alpha1.CRMEnvironmentStatus {
		return status.AccessReviewed(env, asked, metav1.NewTime(now))
	})
}

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch

// keep signs a statement and puts it into the place of the one before.
func (r *Reviews) keep(ctx context.Context, env *v1alpha1.CRMEnvironment, statement evidence.ReviewStatement) error {
	statement.Tenant, _ = naming.TenantOfHome(env.Namespace)
	statement, err := review.Fit(statement)
	if err != nil {
		return err
	}
	text, err := statement.Encode()
	if err != nil {
		return err
	}
	of := teardown.Environment{Tenant: statement.Tenant, Name: env.Name, Settings: r.Settings, Namespace: env.Status.Namespace}
	signed, err := sign(ctx, r.Vault, of.Layout(), text)
	if err != nil {
		return err
	}
	planned, err := review.Result(statement.Tenant, env.Name, signed)
	if err != nil {
		return err
	}
	_, err = r.Applier.Apply(ctx, toApply([]object.Object{planned}))
	return err
}
