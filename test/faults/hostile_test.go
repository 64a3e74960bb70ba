package faults

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/build"
)

// The tenant that attacks, and the one that has what is wanted.
const (
	attacker = "attacker"
	victim   = "victim"
)

// attackersWriteNothingOutside sends what an admin of a tenant could think of, as that admin, with the admission policies as shipped.
// Each is refused with an error that names the field, or comes to a status that does, or does no harm: nothing of another tenant, of
// the cluster or of Vault changes.
func attackersWriteNothingOutside(t *testing.T, w *world) {
	m := w.start(t)
	w.tenant(t, victim)
	w.create(t, build.Environment(victim, "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.victim.example" }))
	w.comesTo(t, victim, "prod", "True Succeeded")
	w.tenant(t, attacker)
	w.settle(t, m)
	w.install(t, "config/rbac")
	w.install(t, "config/admission")
	person := w.personOf(t, attacker)
	before, outside := w.snapshot(t, victim), w.outside(t)

	w.until(t, "the roles and policies are in force", func() error {
		status, answer, err := person.send(t, selfApproval, "&dryRun=All")
		if err == nil && (status < http.StatusBadRequest || !strings.Contains(answer, selfApproval.refused)) {
			err = fmt.Errorf("%d %s", status, answer)
		}
		return err
	})
	for _, a := range attacks {
		t.Run(a.sentence, func(t *testing.T) {
			status, answer, err := person.send(t, a, "")
			require.NoError(t, err)
			assert.Less(t, status, http.StatusInternalServerError, answer)
			assert.Equal(t, a.refused != "", status >= http.StatusBadRequest, answer)
			assert.Contains(t, answer, a.refused)
		})
	}
	// What stands in for Kubernetes' controllers and nodes has none of their accounts, and the policies let it run nothing.
	for _, o := range w.shipped(t, "config/admission") {
		require.NoError(t, w.Delete(t.Context(), o))
	}
	for _, a := range attacks {
		if a.comesTo != "" {
			w.comesTo(t, attacker, a.name, a.comesTo)
		}
	}
	w.settle(t, m)
	assert.Equal(t, before, w.snapshot(t, victim))
	assert.Equal(t, outside, w.outside(t))
	t.Logf("%d attacks", len(attacks))
	assert.GreaterOrEqual(t, len(attacks), 50)
}

// person sends requests with a tenant admin's rights.
type person struct {
	client *http.Client
	host   string
}

func (w *world) personOf(t *testing.T, tenant string) person {
	t.Helper()
	config := w.Server.As("mallory@"+tenant+".example", tenant+"-crm-admins")
	client, err := rest.HTTPClientFor(config)
	require.NoError(t, err)
	return person{client: client, host: config.Host}
}

// send makes one request with the body as it is: nothing on the way reads the YAML.
func (p person) send(t *testing.T, a attack, options string) (status int, answer string, err error) {
	t.Helper()
	method, contentType := http.MethodPost, "application/yaml"
	if a.method != "" {
		method, contentType = a.method, "application/merge-patch+json"
	}
	url := strings.TrimSuffix(p.host, "/") + a.path() + "?fieldValidation=Strict" + options
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(a.body()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := p.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// outside is what there is apart from the attacker's: the names of namespaces, and everything in Vault.
func (w *world) outside(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, o := range w.list(t, corev1.SchemeGroupVersion.WithKind("Namespace"), "") {
		names = append(names, o.GetName())
	}
	l := w.Layout
	for _, path := range []string{l.TransitMount() + "/keys", l.PKIRolesPath(), "auth/" + l.AuthMount + "/role", l.KVMount() + "/metadata", "sys/policies/acl"} {
		names = append(names, w.vaultList(t, path, "")...)
	}
	var others []string
	for _, name := range names {
		if !strings.HasPrefix(strings.TrimPrefix(name, l.AuthRolePrefix()), "crm-"+attacker) {
			others = append(others, name)
		}
	}
	return others
}

// install creates what is shipped in a folder, unless it is there.
func (w *world) install(t *testing.T, folder string) {
	t.Helper()
	for _, o := range w.shipped(t, folder) {
		if err := w.Create(t.Context(), o); !apierrors.IsAlreadyExists(err) {
			require.NoError(t, err, o.GetName())
		}
	}
}

// shipped are the objects in the YAML files of a folder.
func (*world) shipped(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(apitest.File(folder + "/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var objects []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		for document := range bytes.SplitSeq(content, []byte("\n---\n")) {
			o := &unstructured.Unstructured{}
			require.NoError(t, yaml.UnmarshalStrict(document, &o.Object), file)
			objects = append(objects, o)
		}
	}
	return objects
}
