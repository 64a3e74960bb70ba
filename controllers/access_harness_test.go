package controllers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	// governedClass has an adapter, and objects that a Tryton has.
	governedClass = "governed"
	// accessInterval is how often a CRM is compared with its plan in these tests.
	accessInterval = 2 * time.Second

	li = "li.na@acme.example"
	bo = "bo.chen@acme.example"
)

func governed() *v1alpha1.CRMClass {
	return build.Class(func(c *v1alpha1.CRMClass) {
		c.Name = governedClass
		c.Spec.Adapter, c.Spec.Database.Name = "tryton", trytonsim.Database
		c.Spec.Admin.Login = trytonsim.Admin
		c.Spec.Components[0].Readiness.Path = "/ready"
		c.Spec.Files = append(c.Spec.Files, v1alpha1.ClassFile{Name: "adapter-password", Template: "${adapter.password}", Audience: "Migration"})
		c.Spec.Objects = []v1alpha1.ClassObject{
			{Name: "contact", Native: []string{"party.party"}, Fields: []v1alpha1.ClassField{
				{Name: "phone", Native: "party.party.contact_mechanisms", Sensitivity: "Sensitive"}}},
			{Name: "address", Native: []string{"party.address"}},
		}
	})
}

// network brings the operator to the CRMs of a test, by the names of their Services.
type network struct {
	mu        sync.Mutex
	addresses map[string]string
}

func (n *network) dial(ctx context.Context, kind, address string) (net.Conn, error) {
	n.mu.Lock()
	to, known := n.addresses[address]
	n.mu.Unlock()
	if !known {
		return nil, fmt.Errorf("nobody answers at %s", address)
	}
	return (&net.Dialer{}).DialContext(ctx, kind, to)
}

func (n *network) set(address, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addresses[address] = to
}

// keptCRM is an environment with a simulated Tryton behind its Service.
type keptCRM struct {
	*installation
	*trytonsim.Server
	env *v1alpha1.CRMEnvironment
}

// keep makes a tenant with an environment that runs, whose CRM answers.
func (in *installation) keep(t *testing.T, tenant string, change ...func(*v1alpha1.CRMEnvironment)) *keptCRM {
	t.Helper()
	in.tenant(t, tenant)
	change = append([]func(*v1alpha1.CRMEnvironment){func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = governedClass }}, change...)
	k := &keptCRM{installation: in, Server: trytonsim.New(t), env: in.ready(t, tenant, "prod", change...)}
	namespace := workloadNamespace(k.env)
	_, err := in.vault.Root(t).Logical().Write(in.prepared.Layout.KVDataPath(layout.AdapterPath(namespace)), map[string]any{
		"data": map[string]any{"login": access.OperatorLogin, "password": trytonsim.OperatorPassword}, "options": map[string]any{"cas": 0},
	})
	require.NoError(t, err)
	k.answer(t, k.Handler)
	in.until(t, "the status tells when the certificate ends", func() error { // It is asked for until it answers.
		if err := in.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env); err != nil {
			return err
		}
		e := k.env.Status.Encryption
		return mustBe(e != nil && e.CertificateExpires != nil, "%+v", e)
	})
	return k
}

// answer lets a handler answer for the CRM's Service from now on.
func (k *keptCRM) answer(t *testing.T, handler http.Handler) {
	t.Helper()
	namespace := workloadNamespace(k.env)
	host := naming.ServiceHost("web", namespace)
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{k.certificate(t, namespace, host)}}
	server.StartTLS()
	t.Cleanup(server.Close)
	k.network.set(host+":443", server.Listener.Addr().String())
}

// certificate as the agent of the web component has it.
func (in *installation) certificate(t *testing.T, namespace, host string) tls.Certificate {
	t.Helper()
	issued, err := in.vault.Root(t).Logical().Write(in.prepared.Layout.PKIMount()+"/issue/"+layout.PKIRoleName(namespace, "web"), map[string]any{
		"common_name": strings.Replace(strings.TrimPrefix(namespace, "crm-"), "--", ".", 1) + ".web.k", "alt_names": host, "ttl": "1h",
	})
	require.NoError(t, err)
	chain := issued.Data["certificate"].(string)
	for _, ca := range issued.Data["ca_chain"].([]any) {
		chain += "\n" + ca.(string)
	}
	pair, err := tls.X509KeyPair([]byte(chain), []byte(issued.Data["private_key"].(string)))
	require.NoError(t, err)
	block, _ := pem.Decode([]byte(chain))
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, leaf.VerifyHostname(host))
	return pair
}

// policy that binds people to the role rep, who read and export contacts: nothing that a Tryton does not enforce.
func (k *keptCRM) policy(t *testing.T, name string, logins ...string) *v1alpha1.CRMRolePolicy {
	t.Helper()
	p := rolePolicy(k.env, name, logins...)
	k.create(t, p)
	return p
}

func rolePolicy(env *v1alpha1.CRMEnvironment, name string, logins ...string) *v1alpha1.CRMRolePolicy {
	p := &v1alpha1.CRMRolePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: env.Namespace, Name: name}}
	p.Spec.Environments = []string{env.Name}
	p.Spec.Roles = []v1alpha1.Role{{Name: "rep", Rules: []v1alpha1.RoleRule{{
		Objects: []string{"contact", "address"}, Verbs: []v1alpha1.Verb{access.VerbRead, access.VerbExport}, Scope: string(access.ScopeAll),
	}}, Export: &v1alpha1.ExportRule{Mode: "Allow"}}}
	p.Spec.Bindings = []v1alpha1.RoleBinding{binding("rep", logins...)}
	return p
}

func binding(role string, logins ...string) v1alpha1.RoleBinding {
	b := v1alpha1.RoleBinding{Role: role}
	for _, login := range logins {
		b.Subjects = append(b.Subjects, v1alpha1.Subject{Kind: "User", Name: login})
	}
	return b
}

// roles waits until the environment's RolesEnforced is as wanted, such as "True Succeeded" or "False PolicyRefused".
func (k *keptCRM) roles(t *testing.T, want string) *v1alpha1.AccessStatus {
	t.Helper()
	k.until(t, "RolesEnforced comes to "+want, func() error {
		if err := k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env); err != nil {
			return err
		}
		c := meta.FindStatusCondition(k.env.Status.Conditions, v1alpha1.ConditionRolesEnforced)
		if c == nil {
			return fmt.Errorf("it is not there")
		}
		return mustBe(string(c.Status)+" "+c.Reason == want, "it is %s %s: %s", c.Status, c.Reason, c.Message)
	})
	return k.env.Status.Access
}

// leaver waits until somebody is out.
func (k *keptCRM) leaver(t *testing.T, login string) v1alpha1.LeaverStatus {
	t.Helper()
	var found v1alpha1.LeaverStatus
	k.until(t, login+" is out", func() error {
		if err := k.Get(t.Context(), client.ObjectKeyFromObject(k.env), k.env); err != nil {
			return err
		}
		for _, l := range k.env.Status.Access.Leavers {
			if l.Name == login && l.DoneAt != nil {
				found = l
				return nil
			}
		}
		return fmt.Errorf("leavers %v", k.env.Status.Access.Leavers)
	})
	return found
}

// invitation is what Vault has for somebody; nil when there is nothing.
func (k *keptCRM) invitation(t *testing.T, login string) map[string]any {
	t.Helper()
	path := k.prepared.Layout.KVDataPath(layout.InvitationPath(workloadNamespace(k.env), login))
	stored, err := k.vault.Root(t).Logical().Read(path)
	require.NoError(t, err)
	if stored == nil {
		return nil
	}
	data, _ := stored.Data["data"].(map[string]any)
	return data
}

// logsIn as somebody, with the password of the invitation.
func (k *keptCRM) logsIn(t *testing.T, login string) *trytonsim.Session {
	t.Helper()
	invitation := k.invitation(t, login)
	require.NotNil(t, invitation, "%s has no invitation", login)
	session, err := k.Login(login, invitation["password"].(string))
	require.NoError(t, err)
	return session
}

// canLogIn tells whether an account is there and open.
func (k *keptCRM) canLogIn(login string) bool {
	account := k.Account(login)
	return account != nil && account.Active
}

// told waits for an event about the environment, and checks that none tells a password.
func (k *keptCRM) told(t *testing.T, reason, want string) {
	t.Helper()
	k.until(t, fmt.Sprintf("there is an event %s with %q", reason, want), func() error {
		var events eventsv1.EventList
		if err := k.List(t.Context(), &events, client.InNamespace(k.env.Namespace)); err != nil {
			return err
		}
		var notes []string
		for _, e := range events.Items {
			if e.Regarding.Name != k.env.Name {
				continue
			}
			assert.NotContains(t, e.Note, trytonsim.OperatorPassword)
			notes = append(notes, e.Reason+": "+e.Note)
			if e.Reason == reason && strings.Contains(e.Note, want) {
				return nil
			}
		}
		return fmt.Errorf("events are %q", notes)
	})
}

// passes waits until the CRM was called again.
func (k *keptCRM) passes(t *testing.T) {
	t.Helper()
	before, _ := k.Calls()
	k.until(t, "the CRM is looked at", func() error {
		now, _ := k.Calls()
		return mustBe(now >= before+4, "%d calls", now-before)
	})
}
