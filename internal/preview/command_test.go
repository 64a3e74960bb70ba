package preview_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/preview"
)

const tenant = `
apiVersion: crmkeep.io/v1alpha1
kind: CRMTenant
metadata: {name: acme}
spec:
  displayName: Acme Trading
  owner: {name: Wei Zhang, email: wei.zhang@acme.example}
  dataClassification: Confidential
  region: cn-east-1
---
# A kind that has no plan is passed over.
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
---
`

const environment = `
apiVersion: crmkeep.io/v1alpha1
kind: CRMEnvironment
metadata: {name: prod, namespace: crm-acme}
spec:
  classRef: {name: tryton}
  purpose: Production
`

const class = "../../config/classes/tryton.yaml"

func run(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := preview.NewCommand()
	command.SetArgs(args)
	command.SetIn(strings.NewReader(stdin))
	command.SetOut(&out)
	command.SetErr(&out)
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}

func TestThePlanOfFilesAndStandardInputIsPrinted(t *testing.T) {
	out, err := run(t, tenant+environment, "-f", class, "-f", "-")
	require.NoError(t, err)
	for _, part := range []string{"kind: RoleBinding", "name: crm-acme--prod", "kind: NetworkPolicy", "kind: Deployment", "# Vault: crmkeep-transit/keys/crm-acme--prod"} {
		assert.True(t, strings.Contains(out, part), part) // Contains would print all of the plan.
	}
	assert.False(t, strings.Contains(out, "kind: Ingress"))
}

func TestThePlanSpeaksOfTheInstallation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
vault: {address: "https://vault.example:8200", prefix: shared}
images: {crmkeep: "crmkeep.local/crmkeep:1", postgres: "crmkeep.local/postgres:1"}
network: {dns: {namespace: kube-system}, vault: {cidr: 10.0.0.0/24}}
exposure: {gateway: {name: public, namespace: gateways}}
`), 0o600))
	input := tenant + strings.ReplaceAll(environment, "purpose: Production", "purpose: Production\n  hostname: crm.acme.example")
	out, err := run(t, input, "-f", class, "-f", "-", "--settings", file, "--http-routes")
	require.NoError(t, err)
	assert.True(t, strings.Contains(out, "# Vault: shared-transit/keys/crm-acme--prod"))
	assert.True(t, strings.Contains(out, "kind: HTTPRoute"))

	out, err = run(t, input, "-f", class, "-f", "-", "--settings", file)
	require.NoError(t, err)
	assert.False(t, strings.Contains(out, "kind: HTTPRoute"), "not every cluster knows the kind")
}

func TestWhatCannotBePlannedSaysWhichAndWhy(t *testing.T) {
	for sentence, c := range map[string]struct {
		input string
		want  string
	}{
		"no class":                       {tenant + strings.ReplaceAll(environment, "tryton", "odoo"), `CRMEnvironment crm-acme/prod: ClassNotFound: spec.classRef: CRMClass "odoo"`},
		"no tenant":                      {environment, "TenantNotReady"},
		"a field that does not exist":    {tenant + environment + "  hostnmae: x\n", "document 3: error unmarshaling JSON: while decoding JSON: json: unknown field"},
		"text that is no YAML":           {"a: b: c", "document 1"},
		"an environment that is refused": {tenant + environment + "  version: \"9\"\n", "spec.version"},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := run(t, c.input, "-f", class, "-f", "-")
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := run(t, "", "-f", "none.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = run(t, "")
	require.ErrorContains(t, err, "filename")
}
