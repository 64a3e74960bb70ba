package admission

import (
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Users of the tests and what RBAC gives them.
const (
	// operator is the manager's ServiceAccount.
	operator = "system:serviceaccount:crmkeep-system:crmkeep"
	// platform is a cluster admin.
	platform = "platform@example.com"
	// overrider may edit everything but crmkeep's kinds, and holds crmkeep-override.
	overrider = "break-glass@example.com"
	// tenantAdmin is an admin of the tenant acme.
	tenantAdmin = "li.na@acme.example"
	// tenantAuditor is an auditor of the tenant acme.
	tenantAuditor = "auditor@acme.example"
	// approver approves for every tenant.
	approver = "wei.zhang@example.com"
	// opener may break the glass of every tenant's CRMs, and so may secondOpener.
	opener       = "on-call@example.com"
	secondOpener = "second.on-call@example.com"
	// auditor audits the whole platform.
	auditor = "audit@example.com"
	// classReader may look which products there are.
	classReader = "developer@example.com"
	// stranger has logged in to the cluster, and that is all.
	stranger = "stranger@example.com"
	// collector is one of Kubernetes' own controllers.
	collector = "system:serviceaccount:kube-system:generic-garbage-collector"
	// kubelet is a node.
	kubelet = "system:node:worker-1"
)

var groups = map[string][]string{
	operator:  {"system:serviceaccounts", "system:serviceaccounts:crmkeep-system"},
	collector: {"system:serviceaccounts", "system:serviceaccounts:kube-system"},
	kubelet:   {"system:nodes"},
}

// clients of users are made once: each asks the API server for all of its kinds.
var clients = map[string]client.Client{}

// configOf acts as a user.
func configOf(t *testing.T, user string) *rest.Config {
	t.Helper()
	return server.Server(t).As(user, groups[user]...)
}

// clientOf acts as a user and really writes.
func clientOf(t *testing.T, user string) client.Client {
	t.Helper()
	if clients[user] == nil {
		c, err := client.New(configOf(t, user), client.Options{Scheme: kindScheme(t)})
		require.NoError(t, err)
		clients[user] = c
	}
	return clients[user]
}

// grantRights binds the users to their roles.
func grantRights(t *testing.T, c client.Client) {
	t.Helper()
	create(t, c, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "everything-but-crmkeep"},
		Rules: []rbacv1.PolicyRule{
			{
				APIGroups: []string{"", "apps", "batch", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "gateway.networking.k8s.io"},
				Resources: []string{"*"}, Verbs: []string{"*"},
			},
			{APIGroups: []string{"crmkeep.io"}, Resources: []string{"*"}, Verbs: []string{"get", "update"}},
		},
	})
	bindCluster(t, c, operator, "cluster-admin")
	bindCluster(t, c, platform, "cluster-admin")
	bindCluster(t, c, collector, "cluster-admin")
	bindCluster(t, c, kubelet, "cluster-admin")
	bindCluster(t, c, overrider, "everything-but-crmkeep")
	bindCluster(t, c, overrider, "crmkeep-override")
	bindCluster(t, c, approver, "crmkeep-approver")
	bindCluster(t, c, opener, "crmkeep-breakglass")
	bindCluster(t, c, secondOpener, "crmkeep-breakglass")
	bindCluster(t, c, auditor, "crmkeep-auditor")
	bindCluster(t, c, classReader, "crmkeep-class-reader")
	bindHome(t, c, tenantAdmin, "crmkeep-tenant-admin")
	bindHome(t, c, tenantAuditor, "crmkeep-tenant-auditor")
}

func bindCluster(t *testing.T, c client.Client, user, role string) {
	t.Helper()
	create(t, c, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: role + "-"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	})
}

func bindHome(t *testing.T, c client.Client, user, role string) {
	t.Helper()
	create(t, c, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: role + "-", Namespace: home},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
	})
}
