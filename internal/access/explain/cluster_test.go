package explain_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access/explain"
	"github.com/crmkeep/crmkeep/internal/declaration"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

// cluster has what the files declare, and the kubeconfig of who may read it.
func cluster(t *testing.T) (*apitest.Server, client.Client) {
	t.Helper()
	server := apitest.Start(t, apitest.WithCRDs("config/crd"))
	scheme := runtime.NewScheme()
	require.NoError(t, corev1.AddToScheme(scheme))
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	c, err := client.New(server.Config(), client.Options{Scheme: scheme})
	require.NoError(t, err)
	require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "crm-acme"}}))
	content, err := os.ReadFile(declarations)
	require.NoError(t, err)
	require.NoError(t, declaration.Documents(content, func(_ string, document []byte) error {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &o.Object); err != nil {
			return err
		}
		return c.Create(t.Context(), o)
	}))

	t.Setenv("KUBECONFIG", kubeconfig(t, server.Config()))
	return server, c
}

func TestTheClusterAnswersAsTheFilesDoAndOnlyWhoMayRead(t *testing.T) {
	server, _ := cluster(t)
	question := []string{"read", "contact", today}
	fromFiles, err := run(t, explain.NewWhoCanCommand(), append(question, "-f", declarations)...)
	require.NoError(t, err)
	want, ofFiles, _ := strings.Cut(fromFiles, "\n\n")
	assert.Contains(t, ofFiles, "is not known: files do not tell")

	got, err := run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/prod")...)
	require.NoError(t, err)
	got, ofCluster, _ := strings.Cut(got, "\n\n")
	assert.Equal(t, want, got)
	assert.Contains(t, ofCluster, "is not known: the operator has not looked")
	_, err = run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/other")...)
	assert.ErrorContains(t, err, `"other" not found`)

	t.Setenv("KUBECONFIG", kubeconfig(t, server.As("somebody")))
	_, err = run(t, explain.NewWhoCanCommand(), append(question, "--environment=crm-acme/prod")...)
	assert.ErrorContains(t, err, "forbidden")
}

func TestTheClusterTellsWhatOfTheAnswerIsEnforced(t *testing.T) {
	_, c := cluster(t)
	environment, sales := &v1alpha1.CRMEnvironment{}, &v1alpha1.CRMRolePolicy{}
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: "crm-acme", Name: "prod"}, environment))
	require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: "crm-acme", Name: "sales"}, sales))
	sales.Status.NotEnforced = []v1alpha1.NotEnforcedRule{
		{Environment: "prod", Role: "lead", State: v1alpha1.RuleNotEnforceable, Reason: "exports are reads here"},
		{Environment: "prod", Role: "clerk", State: v1alpha1.RuleNotEnforceable, Reason: "of a role that nobody asked about"},
		{Environment: "test", Role: "lead", State: v1alpha1.RuleNotEnforceable, Reason: "of another environment"},
	}
	require.NoError(t, c.Status().Update(t.Context(), sales))
	seen := func(change func(*v1alpha1.CRMEnvironment)) {
		require.NoError(t, c.Get(t.Context(), client.ObjectKeyFromObject(environment), environment))
		change(environment)
		require.NoError(t, c.Status().Update(t.Context(), environment))
	}
	answer := func() string {
		out, err := run(t, explain.NewCommand(), "access", "--user=王小明", "--object=contact", today, "--environment=crm-acme/prod")
		require.NoError(t, err)
		return out
	}

	seen(func(e *v1alpha1.CRMEnvironment) {
		e.Status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionRolesEnforced, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNotEnforceable, Message: "1 rule is not enforced",
			ObservedGeneration: e.Generation, LastTransitionTime: metav1.Now(),
		}}
		e.Status.Access = &v1alpha1.AccessStatus{
			Policies: []v1alpha1.AccessPolicyStatus{
				{Name: "privacy", Generation: 1, State: v1alpha1.AccessPending}, {Name: "sales", Generation: sales.Generation, State: v1alpha1.AccessEnforced},
			},
			UnknownAccounts: []string{"temp"}, Administrator: v1alpha1.AdministratorOpen,
			Leavers: []v1alpha1.LeaverStatus{{Name: "gone", AskedAt: metav1.Now(), DoneAt: &metav1.Time{Time: time.Now()}}, {Name: "late", AskedAt: metav1.Now()}},
		}
	})
	out := answer()
	assert.Contains(t, out, "does not enforce all that is declared (NotEnforceable): 1 rule is not enforced")
	assert.Contains(t, out, "not enforced as declared: sales.lead: exports are reads here")
	assert.Contains(t, out, "policy privacy is Pending")
	assert.NotContains(t, out, "policy sales")
	assert.NotContains(t, out, "nobody asked about")
	assert.NotContains(t, out, "another environment")
	for _, login := range []string{"temp", "late", "boss"} {
		assert.Contains(t, out, login+" can log in, whatever the policies say")
	}
	assert.NotContains(t, out, "gone")

	seen(func(e *v1alpha1.CRMEnvironment) {
		e.Status.Conditions[0].Status, e.Status.Conditions[0].Reason = metav1.ConditionTrue, v1alpha1.ReasonSucceeded
		e.Status.Access.Policies[0].State = v1alpha1.AccessEnforced
	})
	out = answer()
	assert.Contains(t, out, "The CRM enforces what is declared.")
	assert.NotContains(t, out, "Pending")

	sales.Spec.Drift = "Report"
	require.NoError(t, c.Update(t.Context(), sales))
	out = answer()
	assert.Contains(t, out, "does not enforce this yet")
	assert.Contains(t, out, "policy sales is Pending", "what was seen was an older one")

	environment.Spec.Size = "Small"
	require.NoError(t, c.Update(t.Context(), environment))
	assert.Contains(t, answer(), "is not known: the operator has not looked")
}

func kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"test": {
			ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken,
			Impersonate: config.Impersonate.UserName, ImpersonateGroups: config.Impersonate.Groups,
		}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file))
	return file
}
