package controllers_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

func reviewIsSignedAndAnsweredOnce(t *testing.T, in *installation) {
	k := in.keep(t, "reviewed")
	k.policy(t, "sales", li, bo)
	k.roles(t, "True Succeeded")

	k.ask(t, "2026-11-22T10:00:00Z")
	k.answers(t, "2026-11-22T10:00:00Z")
	s := k.reviewed(t)
	assert.Equal(t, "2026-11-22T10:00:00Z", s.AskedFor)
	assert.Equal(t, "reviewed", s.Tenant)
	assert.Equal(t, "prod", s.Environment)
	assert.Equal(t, governedClass, s.Class)
	assert.Equal(t, evidence.AccountInactive, row(t, s, trytonsim.Admin).Account)
	person := row(t, s, li)
	assert.Equal(t, evidence.AccountActive, person.Account)
	assert.Equal(t, []evidence.ReviewedRole{{Role: "sales.rep"}}, person.Roles)
	assert.NotContains(t, person.Findings, evidence.FindingNoBinding)

	version, kept := k.env.ResourceVersion, k.review(t).ResourceVersion
	k.passes(t)
	k.passes(t)
	require.NoError(t, k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env))
	assert.Equal(t, version, k.env.ResourceVersion, "what is answered is not answered again")
	assert.Equal(t, kept, k.review(t).ResourceVersion)

	k.ask(t, "again")
	k.answers(t, "again")
	assert.Equal(t, "again", k.reviewed(t).AskedFor, "the newest review is in the place of the one before")
}

func reviewNeedsNoReasonableQuestion(t *testing.T, in *installation) {
	k := in.keep(t, "questioned")
	k.policy(t, "sales", li)
	k.roles(t, "True Succeeded")
	question := strings.Repeat("问", 300)
	k.ask(t, question)
	k.answers(t, strings.Repeat("问", 100))
	k.passes(t)
	k.roles(t, "True Succeeded")
}

// ask for a review.
func (k *keptCRM) ask(t *testing.T, question string) {
	t.Helper()
	edit(t, k.installation, k.env, func(e *v1alpha1.CRMEnvironment) {
		metav1.SetMetaDataAnnotation(&e.ObjectMeta, naming.AnnotationReview, question)
	})
}

// answers waits until a question is answered.
func (k *keptCRM) answers(t *testing.T, question string) {
	t.Helper()
	k.until(t, "the review is answered", func() error {
		if err := k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env); err != nil {
			return err
		}
		reviewed := k.env.Status.Access.Reviewed
		return mustBe(reviewed == question, "answered is %q", reviewed)
	})
}

func (k *keptCRM) review(t *testing.T) *corev1.ConfigMap {
	t.Helper()
	var kept corev1.ConfigMap
	require.NoError(t, k.Get(t.Context(), client.ObjectKey{Namespace: k.env.Namespace, Name: naming.Review(k.env.Name)}, &kept))
	return &kept
}

// reviewed is the statement that is kept, verified by the key in Vault.
func (k *keptCRM) reviewed(t *testing.T) evidence.ReviewStatement {
	t.Helper()
	key, err := k.vault.Root(t).Logical().Read("crmkeep-transit/keys/" + workloadNamespace(k.env) + ".evidence")
	require.NoError(t, err)
	version := key.Data["keys"].(map[string]any)["1"].(map[string]any)
	public, err := base64.StdEncoding.DecodeString(version["public_key"].(string))
	require.NoError(t, err)
	certificate, err := evidence.Unpack(k.review(t).BinaryData[evidence.CompressedField])
	require.NoError(t, err)
	text, err := evidence.Read(certificate, ed25519.PublicKey(public))
	require.NoError(t, err)
	var s evidence.ReviewStatement
	require.NoError(t, json.Unmarshal([]byte(text), &s))
	return s
}

func row(t *testing.T, s evidence.ReviewStatement, login string) evidence.ReviewRow {
	t.Helper()
	for _, r := range s.Rows {
		if r.Login == login {
			return r
		}
	}
	require.Fail(t, fmt.Sprintf("%s is not among %v", login, s.Rows))
	return evidence.ReviewRow{}
}
