package invite_test

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/invite"
	"github.com/crmkeep/crmkeep/internal/testing/vaulttest"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/bootstrap"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

const (
	li       = "li.na@acme.example"
	password = "Kx7mPq2rT9vWn4Ld"
)

// world is a Vault with an invitation of li's to two environments, and the person who hands on those to one of them.
type world struct {
	server  *vaulttest.Server
	inviter *api.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{server: vaulttest.Start(t)}
	root := w.server.Root(t)
	require.NoError(t, bootstrap.Run(t.Context(), root, bootstrap.Options{
		Settings: layout.Default(), CA: bootstrap.CA{RootCommonName: "test root", RootTTL: 48 * time.Hour, IntermediateTTL: 36 * time.Hour},
		Kubernetes: bootstrap.Kubernetes{Namespace: "crmkeep-system", ServiceAccount: "crmkeep"}, Report: func(string, bool) {},
	}))
	operator, err := vault.New(vault.Config{Address: w.server.Address, Settings: layout.Default(), Login: func(context.Context, *api.Client) (*api.Secret, error) {
		return &api.Secret{Auth: &api.SecretAuth{ClientToken: w.server.RootToken}}, nil
	}})
	require.NoError(t, err)
	for _, environment := range []string{"prod", "test"} {
		require.NoError(t, operator.Invite(t.Context(), "crm-acme--"+environment, vault.Invitation{
			Login: li, Password: secret.New(password), Environment: "crm-acme/" + environment, URL: "https://crm.acme.example", CreatedAt: time.Now(),
		}))
	}
	policy, err := execute(t, bootstrap.NewInviterCommand, "", "--tenant", "acme", "--environment", "prod", "--max-ttl", "24h")
	require.NoError(t, err)
	require.NoError(t, root.Sys().PutPolicy("inviter", policy))
	token, err := root.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"inviter"}, NoDefaultPolicy: true})
	require.NoError(t, err)
	w.inviter = w.server.Client(t, token.Auth.ClientToken)
	t.Setenv("VAULT_ADDR", w.server.Address)
	t.Setenv("VAULT_TOKEN", token.Auth.ClientToken)
	return w
}

var tokenLine = regexp.MustCompile(`(?m)^  (hvs\.\S+|s\.\S+)$`)

// wrap hands on li's invitation to an environment, and gives the token.
func wrap(t *testing.T, environment string, more ...string) (token, message string, err error) {
	t.Helper()
	message, err = execute(t, invite.NewCommand, "", append([]string{"-n", "crm-acme", "--environment", environment, "--user", li, "--ttl", "1h"}, more...)...)
	if found := tokenLine.FindStringSubmatch(message); found != nil {
		token = found[1]
	}
	return token, message, err
}

func open(t *testing.T, token string) (string, error) {
	t.Helper()
	return execute(t, invite.NewCommand, token+"\n", "open")
}

func TestAnInvitationIsHandedOnUnseenAndOpensOnce(t *testing.T) {
	newWorld(t)
	token, message, err := wrap(t, "prod")
	require.NoError(t, err)
	require.NotEmpty(t, token, message)
	assert.NotContains(t, message, password, "who hands it on does not see it")
	assert.NotContains(t, message, os.Getenv("VAULT_TOKEN"))
	assert.Contains(t, message, "crmkeep invite open")

	out, err := open(t, token)
	require.NoError(t, err)
	for _, want := range []string{"crm-acme/prod", "https://crm.acme.example", li, password} {
		assert.Contains(t, out, want)
	}
	out, err = open(t, token)
	require.ErrorContains(t, err, "somebody has opened it before you")
	assert.NotContains(t, out+err.Error(), password)
	assert.NotContains(t, out+err.Error(), token)
}

func TestVaultsOwnCommandOpensAnInvitationToo(t *testing.T) {
	w := newWorld(t)
	token, _, err := wrap(t, "prod")
	require.NoError(t, err)
	// What `vault unwrap` asks for, with the token in VAULT_TOKEN.
	opened, err := w.server.Client(t, token).Logical().Unwrap("")
	require.NoError(t, err)
	assert.Equal(t, password, opened.Data["data"].(map[string]any)["password"])
	_, err = open(t, token)
	require.ErrorContains(t, err, "somebody has opened it before you")
}

func TestAnInviterReadsOnlyWithWrappingAndOnlyOfItsEnvironment(t *testing.T) {
	w := newWorld(t)
	settings := layout.Default()
	path := func(environment string) string {
		return settings.KVDataPath(layout.InvitationPath("crm-acme--"+environment, li))
	}
	for sentence, try := range map[string]func() (*api.Secret, error){
		"without wrapping": func() (*api.Secret, error) { return w.inviter.Logical().Read(path("prod")) },
		"the list of the names": func() (*api.Secret, error) {
			return w.inviter.Logical().List(settings.KVMetadataPath("crm-acme--prod/invitations"))
		},
		"crmkeep's own account": func() (*api.Secret, error) {
			return w.inviter.Logical().Read(settings.KVDataPath(layout.AdapterPath("crm-acme--prod")))
		},
		"the administrator": func() (*api.Secret, error) {
			return w.inviter.Logical().Read(settings.KVDataPath(layout.AdminPath("crm-acme--prod")))
		},
		"a change": func() (*api.Secret, error) {
			return w.inviter.Logical().Write(path("prod"), map[string]any{"data": map[string]any{}, "options": map[string]any{"cas": 1}})
		},
	} {
		got, err := try()
		var refusal *api.ResponseError
		require.ErrorAs(t, err, &refusal, sentence)
		assert.Equal(t, 403, refusal.StatusCode, sentence)
		assert.Nil(t, got, sentence)
	}
	for sentence, err := range map[string]error{
		"another environment":           second(wrap(t, "test")),
		"longer than the policy allows": second(wrap(t, "prod", "--ttl", "25h")),
		"shorter than it allows":        second(wrap(t, "prod", "--ttl", "5s")),
	} {
		require.ErrorContains(t, err, "crmkeep vault inviter --tenant acme", sentence)
	}
}

func TestWhatIsMissingOrWrongIsSaid(t *testing.T) {
	w := newWorld(t)
	_, err := execute(t, invite.NewCommand, "", "-n", "crm-acme", "--environment", "prod", "--user", "nobody@acme.example", "--ttl", "1h")
	require.ErrorContains(t, err, "no invitation of nobody@acme.example to crm-acme/prod")
	_, err = execute(t, invite.NewCommand, "", "-n", "crm-acme--prod", "--environment", "prod", "--user", li)
	require.ErrorContains(t, err, `--namespace: "crm-acme--prod" is no tenant's home namespace`)
	_, err = open(t, "")
	require.ErrorContains(t, err, "no token")
	_, err = open(t, "hvs.nothing")
	require.ErrorContains(t, err, "does not know the token")
	for _, arguments := range [][]string{
		{"--tenant", `a" { }`, "--environment", "prod"}, {"--tenant", "acme", "--environment", "a--b"}, {"--tenant", "acme", "--environment", "prod", "--max-ttl", "1s"},
	} {
		out, err := execute(t, bootstrap.NewInviterCommand, "", arguments...)
		require.Error(t, err)
		assert.NotContains(t, out, "capabilities")
	}
	w.server.Seal(t)
	_, _, err = wrap(t, "prod")
	require.ErrorContains(t, err, "sealed")
}

func TestATokenOfSomethingElseIsNotOpened(t *testing.T) {
	w := newWorld(t)
	root := w.server.Root(t)
	root.SetWrappingLookupFunc(func(string, string) string { return "1h" })
	forged, err := root.Logical().Write("sys/wrapping/wrap", map[string]any{"data": map[string]any{"login": li, "password": "x", "url": "https://evil.example"}})
	require.NoError(t, err)
	out, err := open(t, forged.WrapInfo.Token)
	require.ErrorContains(t, err, "do not trust it")
	assert.NotContains(t, out, "evil.example")
}

func second(_, _ string, err error) error { return err }

// execute runs a command as a person does.
func execute(t *testing.T, newCommand func() *cobra.Command, stdin string, arguments ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := newCommand()
	command.SetIn(strings.NewReader(stdin))
	command.SetOut(&out)
	command.SetErr(&out)
	command.SilenceUsage = true
	command.SetArgs(arguments)
	err := command.ExecuteContext(t.Context())
	return out.String(), err
}
