package show_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/review/show"
	"github.com/crmkeep/crmkeep/internal/evidence"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

var api *apitest.Shared

func TestMain(m *testing.M) {
	os.Exit(apitest.Main(m, func(s *apitest.Shared) { api = s }, apitest.WithCRDs("config/crd")))
}

// world is a tenant's home with the environment prod, and the kubeconfig of a cluster admin whose context is there.
func world(t *testing.T, tenant string) client.Client {
	t.Helper()
	server := api.Server(t)
	scheme := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(scheme))
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	c, err := client.New(server.Config(), client.Options{Scheme: scheme})
	require.NoError(t, err)
	home := naming.HomeNamespace(tenant)
	require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}}))
	require.NoError(t, c.Create(t.Context(), &v1alpha1.CRMEnvironment{
		ObjectMeta: metav1.ObjectMeta{Name: "prod", Namespace: home},
		Spec:       v1alpha1.CRMEnvironmentSpec{ClassRef: v1alpha1.ClassReference{Name: "demo"}, Purpose: v1alpha1.PurposeTest},
	}))
	t.Setenv("KUBECONFIG", kubeconfig(t, server.Config(), home))
	return c
}

func kubeconfig(t *testing.T, config *rest.Config, namespace string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
			Impersonate: config.Impersonate.UserName, ImpersonateGroups: config.Impersonate.Groups,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test", Namespace: namespace}},
		CurrentContext: "test",
	}, file))
	return file
}

// certificate of a review that names one person.
func certificate(t *testing.T, asked string) evidence.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	text, err := evidence.ReviewStatement{
		Tenant: "acme", Environment: "prod", AskedFor: asked, ReviewedAt: "2026-11-22T00:00:00Z", RowCount: 1,
		Rows: []evidence.ReviewRow{{Login: "li.na@acme.example", Account: evidence.AccountActive, Findings: []string{evidence.FindingNoBinding}}},
	}.Encode()
	require.NoError(t, err)
	return evidence.Certificate{Statement: text, Signature: ed25519.Sign(private, []byte(text)), PublicKey: public}
}

func keep(ctx context.Context, c client.Client, namespace string, of evidence.Certificate) error {
	data, err := of.BinaryData()
	if err != nil {
		return err
	}
	return c.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: naming.Review("prod"), Namespace: namespace}, BinaryData: data})
}

func review(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := show.NewCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SilenceUsage = true
	cmd.SetErr(&bytes.Buffer{})
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// answer does what the operator does: it waits until it is asked, keeps the review, and then says so.
func answer(ctx context.Context, c client.Client, key client.ObjectKey, of func(asked string) evidence.Certificate) error {
	for ; ctx.Err() == nil; <-time.After(20 * time.Millisecond) {
		var e v1alpha1.CRMEnvironment
		if err := c.Get(ctx, key, &e); err != nil {
			return err
		}
		asked := e.Annotations[naming.AnnotationReview]
		if asked == "" {
			continue
		}
		if err := keep(ctx, c, key.Namespace, of(asked)); err != nil {
			return err
		}
		e.Status.Access = &v1alpha1.AccessStatus{Reviewed: asked}
		return c.Status().Update(ctx, &e)
	}
	return ctx.Err()
}

func TestTheNewestReviewIsPrintedInEachForm(t *testing.T) {
	c := world(t, "acme")
	_, err := review(t, "--environment=prod")
	require.ErrorContains(t, err, "CRMEnvironment crm-acme/prod has no review yet; ask for one with --ask")

	require.NoError(t, keep(t.Context(), c, "crm-acme", certificate(t, "now")))
	for output, want := range map[string]string{
		"table": "li.na@acme.example   -", "csv": "li.na@acme.example,,Active", "json": `"login": "li.na@acme.example"`,
	} {
		out, err := review(t, "--environment=prod", "-o", output)
		require.NoError(t, err)
		assert.Contains(t, out, want)
	}
	named, err := review(t, "-n=crm-acme", "--environment=prod")
	require.NoError(t, err)
	whole, err := review(t, "--environment=crm-acme/prod")
	require.NoError(t, err)
	assert.Equal(t, named, whole)
}

func TestAskingWaitsForTheAnswerToThisQuestion(t *testing.T) {
	c := world(t, "asking")
	answered := make(chan error, 1)
	go func() {
		answered <- answer(t.Context(), c, client.ObjectKey{Namespace: "crm-asking", Name: "prod"}, func(asked string) evidence.Certificate { return certificate(t, asked) })
	}()
	out, err := review(t, "--environment=prod", "--ask", "-o=json")
	require.NoError(t, err)
	require.NoError(t, <-answered)
	var e v1alpha1.CRMEnvironment
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: "crm-asking", Name: "prod"}, &e))
	assert.Contains(t, out, `"askedFor": "`+e.Annotations[naming.AnnotationReview]+`"`)
}

func TestWhoIsNotAnsweredInTimeIsToldWhatTheOperatorWaitsFor(t *testing.T) {
	c := world(t, "waiting")
	var e v1alpha1.CRMEnvironment
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: "crm-waiting", Name: "prod"}, &e))
	e.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionRolesEnforced, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonCRMNotRunning, Message: "it is suspended", LastTransitionTime: metav1.Now(),
	}}
	require.NoError(t, c.Status().Update(t.Context(), &e))
	_, err := review(t, "--environment=prod", "--ask", "--timeout=1s")
	require.ErrorContains(t, err, "no review within 1s: RolesEnforced is False, CRMNotRunning: it is suspended")
}

func TestWhereTheOperatorWillNeverAnswerItIsNotAsked(t *testing.T) {
	c := world(t, "ungoverned")
	key := client.ObjectKey{Namespace: "crm-ungoverned", Name: "prod"}
	for reason, message := range map[string]string{v1alpha1.ReasonNoPolicy: "no CRMRolePolicy names it", v1alpha1.ReasonNoAdapter: "use a class that has one"} {
		var e v1alpha1.CRMEnvironment
		require.NoError(t, c.Get(t.Context(), key, &e))
		e.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionRolesEnforced, Status: metav1.ConditionFalse, Reason: reason, Message: message,
			ObservedGeneration: e.Generation, LastTransitionTime: metav1.Now(),
		}}
		require.NoError(t, c.Status().Update(t.Context(), &e))
		_, err := review(t, "--environment=prod", "--ask", "--timeout=1h")
		require.ErrorContains(t, err, "the operator does not look at its CRM, so it would not answer: RolesEnforced is False, "+reason+": "+message)
		require.NoError(t, c.Get(t.Context(), key, &e))
		assert.NotContains(t, e.Annotations, naming.AnnotationReview)
	}
}

func TestAReviewThatIsNotWhatWasSignedIsNotPrinted(t *testing.T) {
	c := world(t, "forged")
	forged := certificate(t, "now")
	forged.Statement += " "
	require.NoError(t, keep(t.Context(), c, "crm-forged", forged))
	out, err := review(t, "--environment=prod")
	require.ErrorIs(t, err, evidence.ErrForged)
	assert.Empty(t, out)
}

func TestAQuestionThatCannotBeAnsweredSaysWhy(t *testing.T) {
	world(t, "questions")
	for want, args := range map[string][]string{
		`"yaml" is unknown; use table, csv or json`:        {"--environment=prod", "-o=yaml"},
		`"test" not found`:                                 {"--environment=test", "--ask"},
		`required flag(s) "environment" not set`:           {},
		`is not in the namespace "crm-b" that --namespace`: {"--environment=crm-a/prod", "-n=crm-b"},
		"--timeout: must be longer":                        {"--environment=prod", "--timeout=0s"},
	} {
		_, err := review(t, args...)
		require.ErrorContains(t, err, want)
	}
	t.Setenv("KUBECONFIG", kubeconfig(t, api.Server(t).As("somebody"), "crm-questions"))
	_, err := review(t, "--environment=prod")
	require.ErrorContains(t, err, "forbidden")
}
