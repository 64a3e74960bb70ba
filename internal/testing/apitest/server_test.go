package apitest_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

var api *apitest.Shared

func TestMain(m *testing.M) {
	os.Exit(apitest.Main(m, func(shared *apitest.Shared) { api = shared }))
}

func TestAnotherUserHasOnlyTheRightsThatRBACGives(t *testing.T) {
	server := api.Server(t)
	admin, err := client.New(server.Config(), client.Options{})
	require.NoError(t, err)
	// Aggregated roles such as view are empty without a controller.
	role := &rbacv1.ClusterRole{Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}}}
	role.SetName("reader")
	require.NoError(t, admin.Create(t.Context(), role))
	binding := &rbacv1.ClusterRoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "reader"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "readers"}},
	}
	binding.SetName("readers")
	require.NoError(t, admin.Create(t.Context(), binding))
	reader, err := client.New(server.As("li.na", "readers"), client.Options{})
	require.NoError(t, err)
	stranger, err := client.New(server.As("mallory"), client.Options{})
	require.NoError(t, err)

	require.NoError(t, reader.List(t.Context(), &corev1.ConfigMapList{}))
	assert.True(t, apierrors.IsForbidden(reader.Create(t.Context(), configMap("reader"))))
	assert.True(t, apierrors.IsForbidden(stranger.List(t.Context(), &corev1.ConfigMapList{})))
}

func TestARecorderCountsRequestsAndCutsWrites(t *testing.T) {
	config, recorder := apitest.Record(api.Server(t).Config())
	recorded, err := client.New(config, client.Options{})
	require.NoError(t, err)
	require.NoError(t, recorded.List(t.Context(), &corev1.ConfigMapList{}))
	recorder.Reset()

	require.NoError(t, recorded.List(t.Context(), &corev1.ConfigMapList{}))
	require.NoError(t, recorded.Create(t.Context(), configMap("first")))
	assert.Equal(t, []apitest.Request{
		{Method: http.MethodGet, Path: "/api/v1/configmaps", Status: http.StatusOK},
		{Method: http.MethodPost, Path: "/api/v1/namespaces/default/configmaps", Status: http.StatusCreated},
	}, recorder.Requests())
	assert.Len(t, recorder.Writes(), 1)

	recorder.CutAfter(1)
	require.NoError(t, recorded.Create(t.Context(), configMap("second")))
	require.ErrorIs(t, recorded.Create(t.Context(), configMap("third")), apitest.ErrCut)
	require.NoError(t, recorded.List(t.Context(), &corev1.ConfigMapList{}), "reads pass")
	recorder.Reset()
	require.NoError(t, recorded.Create(t.Context(), configMap("third")), "it never reached the server before")
}

func configMap(name string) *corev1.ConfigMap {
	object := &corev1.ConfigMap{}
	object.SetName(name)
	object.SetNamespace("default")
	return object
}
