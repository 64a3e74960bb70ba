package api

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

var kinds = []struct {
	name, plural, short string
	namespaced          bool
	columns             []string
}{
	{name: "CRMClass", plural: "crmclasses", short: "crmcls",
		columns: []string{"Name", "Product", "Default", "Ready", "Age"}},
	{name: "CRMTenant", plural: "crmtenants", short: "crmt",
		columns: []string{"Name", "Classification", "Region", "Environments", "Ready", "Reason", "Age"}},
	{name: "CRMEnvironment", plural: "crmenvironments", short: "crme", namespaced: true,
		columns: []string{"Name", "Class", "Version", "State", "URL", "Ready", "Reason", "Last Proven", "Age"}},
	{name: "CRMRolePolicy", plural: "crmrolepolicies", short: "crmrp", namespaced: true,
		columns: []string{"Name", "Drift", "Enforced", "Ready", "Reason", "Age"}},
	{name: "CRMBackupLocation", plural: "crmbackuplocations", short: "crmloc",
		columns: []string{"Name", "Region", "Bucket", "Ready", "Reason", "Checked", "Age"}},
	{name: "CRMBackupSchedule", plural: "crmbackupschedules", short: "crmbs", namespaced: true,
		columns: []string{"Name", "Environment", "Schedule", "Last Backup", "Last Proven", "Ready", "Age"}},
	{name: "CRMBackup", plural: "crmbackups", short: "crmb", namespaced: true,
		columns: []string{"Name", "Environment", "Phase", "Size", "Ready", "Age"}},
	{name: "CRMRestore", plural: "crmrestores", short: "crmr", namespaced: true,
		columns: []string{"Name", "Phase", "Backup", "Ready", "Age"}},
}

func TestEveryKindIsServedWithItsNamesScopeAndCategory(t *testing.T) {
	found, err := discovery.NewDiscoveryClientForConfigOrDie(server.Server(t).Config()).
		ServerResourcesForGroupVersion(v1alpha1.SchemeGroupVersion.String())
	require.NoError(t, err)
	for _, kind := range kinds {
		at := slices.IndexFunc(found.APIResources, func(r metav1.APIResource) bool { return r.Name == kind.plural })
		require.GreaterOrEqual(t, at, 0, "%s is not served", kind.plural)
		resource := found.APIResources[at]
		require.Equal(t, kind.name, resource.Kind)
		require.Equal(t, kind.namespaced, resource.Namespaced, kind.name)
		require.Equal(t, []string{kind.short}, resource.ShortNames)
		require.Equal(t, []string{"crm"}, resource.Categories)
		require.True(t, slices.ContainsFunc(found.APIResources, func(r metav1.APIResource) bool {
			return r.Name == kind.plural+"/status"
		}), "%s has a status of its own, so that who may write the one cannot write the other", kind.name)
	}
}

func TestEverySchemaIsStructural(t *testing.T) {
	s := runtime.NewScheme()
	require.NoError(t, apiextensionsv1.AddToScheme(s))
	c, err := client.New(server.Server(t).Config(), client.Options{Scheme: s})
	require.NoError(t, err)
	for _, kind := range kinds {
		var crd apiextensionsv1.CustomResourceDefinition
		require.NoError(t, c.Get(t.Context(), client.ObjectKey{Name: kind.plural + "." + v1alpha1.SchemeGroupVersion.Group}, &crd))
		for _, condition := range crd.Status.Conditions {
			switch condition.Type {
			case apiextensionsv1.Established, apiextensionsv1.NamesAccepted:
				require.Equal(t, apiextensionsv1.ConditionTrue, condition.Status, "%s: %s", kind.name, condition.Message)
			case apiextensionsv1.NonStructuralSchema:
				require.Equal(t, apiextensionsv1.ConditionFalse, condition.Status, "%s: %s", kind.name, condition.Message)
			}
		}
	}
}

func TestEveryKindPrintsWhatAPersonAsksFirst(t *testing.T) {
	config := server.Server(t).Config()
	for _, kind := range kinds {
		table := tableOf(t, config, kind.plural)
		var columns []string
		for _, column := range table.ColumnDefinitions {
			columns = append(columns, column.Name)
		}
		require.Equal(t, kind.columns, columns, kind.name)
	}
}

// tableOf lists a kind as kubectl does.
func tableOf(t *testing.T, config *rest.Config, plural string) *metav1.Table {
	t.Helper()
	config.GroupVersion = &schema.GroupVersion{Group: v1alpha1.SchemeGroupVersion.Group, Version: v1alpha1.SchemeGroupVersion.Version}
	config.APIPath = "/apis"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	c, err := rest.RESTClientFor(config)
	require.NoError(t, err)
	var table metav1.Table
	err = c.Get().Resource(plural).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		Do(t.Context()).Into(&table)
	require.NoError(t, err)
	return &table
}
