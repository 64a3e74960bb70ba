package chart

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/crmkeep/crmkeep/internal/testing/podsecurity"
)

func TestTheChartPassesLint(t *testing.T) {
	out, err := helm(t, "lint", "--strict", chartFolder, "--values="+everything)
	require.NoError(t, err, out)
}

func TestTheManagerReadsTheSettingsThatTheChartWrites(t *testing.T) {
	for _, values := range []string{least, everything} {
		loaded := loadSettings(t, render(t, "--values="+values))
		require.Equal(t, "crmkeep-system", loaded.Network.OperatorNamespace)
	}
}

func TestTheManagersPodsPassPodSecurityRestricted(t *testing.T) {
	for _, values := range []string{least, everything} {
		pod := find[appsv1.Deployment](t, render(t, "--values="+values), "Deployment", "crmkeep").Spec.Template
		require.NoError(t, podsecurity.Restricted(&pod))
		for _, container := range pod.Spec.Containers {
			require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
		}
	}
}

func TestChangedSettingsRestartTheManager(t *testing.T) {
	checksum := func(arguments ...string) string {
		objects := render(t, append(arguments, "--values="+least)...)
		return find[appsv1.Deployment](t, objects, "Deployment", "crmkeep").Spec.Template.Annotations["checksum/settings"]
	}
	require.Equal(t, checksum(), checksum("--set=replicas=2"))
	require.NotEqual(t, checksum(), checksum("--set=settings.keyRotationDays=7"))
}

func TestNoRoleOfTheChartReachesSecretsOrUsesWildcards(t *testing.T) {
	objects := render(t, "--values="+least)
	for _, object := range objects {
		if kind := object.GetKind(); kind != "Role" && kind != "ClusterRole" {
			continue
		}
		role := find[rbacv1.ClusterRole](t, objects, object.GetKind(), object.GetName())
		require.NotEmpty(t, role.Rules)
		for _, rule := range role.Rules {
			require.NotContains(t, rule.Resources, "secrets", role.Name)
			require.NotContains(t, rule.Resources, "*", role.Name)
			require.NotContains(t, rule.Verbs, "*", role.Name)
			require.NotContains(t, rule.APIGroups, "*", role.Name)
		}
	}
}

func TestAPodDisruptionBudgetComesWithTheSecondReplica(t *testing.T) {
	require.False(t, has(render(t, "--values="+least), "PodDisruptionBudget", "crmkeep"))
	require.True(t, has(render(t, "--values="+everything), "PodDisruptionBudget", "crmkeep"))
}

func TestNobodyConnectsToTheManagerUnlessMetricsAreAskedFor(t *testing.T) {
	closed := find[networkingv1.NetworkPolicy](t, render(t, "--values="+least), "NetworkPolicy", "crmkeep")
	require.Empty(t, closed.Spec.Ingress)
	require.ElementsMatch(t, []networkingv1.PolicyType{"Ingress", "Egress"}, closed.Spec.PolicyTypes)
	open := find[networkingv1.NetworkPolicy](t, render(t, "--values="+everything), "NetworkPolicy", "crmkeep")
	require.Len(t, open.Spec.Ingress, 1)
}

func TestTheManagerReachesTheBackupLocationsThatAreNamedAndNoOther(t *testing.T) {
	ports := map[string]int32{}
	for _, rule := range find[networkingv1.NetworkPolicy](t, render(t, "--values="+everything), "NetworkPolicy", "crmkeep").Spec.Egress {
		for _, to := range rule.To {
			if to.IPBlock != nil {
				ports[to.IPBlock.CIDR] = rule.Ports[0].Port.IntVal
			}
		}
	}
	require.Equal(t, int32(443), ports["203.0.113.0/28"])
	require.Equal(t, int32(9000), ports["198.51.100.7/32"])
	for _, rule := range find[networkingv1.NetworkPolicy](t, render(t, "--values="+least), "NetworkPolicy", "crmkeep").Spec.Egress {
		for _, port := range rule.Ports {
			require.NotEqual(t, int32(9000), port.Port.IntVal)
		}
	}
}

func TestThePoliciesLetTheManagerOfTheReleasesNamespaceThrough(t *testing.T) {
	out, err := helm(t, "template", "crmkeep", chartFolder, "--namespace=keepers", "--values="+least)
	require.NoError(t, err, out)
	require.Contains(t, out, "system:serviceaccount:keepers:crmkeep")
	require.NotContains(t, out, "crmkeep-system")
}

func TestPartsOfTheChartCanBeLeftOut(t *testing.T) {
	objects := render(t, "--values="+least, "--set=admission.install=false,classes.install=false,networkPolicy.install=false")
	for _, object := range objects {
		require.NotContains(t, []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "CRMClass", "NetworkPolicy"},
			object.GetKind())
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	cases := map[string]struct{ set, refusal string }{
		"a misspelt value":                    {"replica=2", "replica"},
		"a setting that does not exist":       {"settings.vault.token=x", "token"},
		"a setting that the chart knows":      {"settings.network.operatorNamespace=x", "operatorNamespace"},
		"Vault without TLS":                   {"settings.vault.address=http://vault:8200", "address"},
		"an image without a name":             {"settings.images.crmkeep=", "crmkeep"},
		"Vault nowhere":                       {"settings.network.vault=null", "vault"},
		"a peer that is pods and a range":     {"settings.network.vault.cidr=10.0.0.0/8", "vault"},
		"a backup location everywhere":        {"networkPolicy.backupLocations[0].port=443", "cidr"},
		"a certificate that lives for a week": {"settings.certificateTTLSeconds=604800", "certificateTTLSeconds"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "template", "crmkeep", chartFolder, "--values="+least, "--set="+c.set)
			require.Error(t, err)
			require.Contains(t, out, "values don't meet the specifications of the schema")
			require.Contains(t, strings.SplitAfterN(out, "schema", 2)[1], c.refusal)
		})
	}
}

func TestAnInstallationWithoutImagesIsToldWhereTheyComeFrom(t *testing.T) {
	for missing, named := range map[string]string{"crmkeep": "postgres", "postgres": "crmkeep"} {
		out, err := helm(t, "template", "crmkeep", chartFolder, "--set=settings.vault.address=https://vault:8200",
			"--set=settings.network.vault.namespace=vault", "--set=settings.images."+named+"=registry.example/"+named+":dev")
		require.Error(t, err)
		require.Contains(t, out, "settings.images."+missing+": must name an image")
		require.Contains(t, out, "hack/images/README.md")
	}
}
