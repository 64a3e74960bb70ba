package credential_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/agenttest"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/credential"
	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

func TestAgentsThatMakeTheAdministratorAtTheSameTimeAgreeOnOnePassword(t *testing.T) {
	const agents = 8
	installation := agenttest.Install(t)
	cfg := installation.Component(t, "acme", "prod", "migrate")
	token := installation.TokenFile(t, "acme", "prod", "migrate")
	passwords := make([]string, agents)

	var all sync.WaitGroup
	for i := range agents {
		all.Go(func() {
			vault, err := session.New(cfg.Vault, "", token)
			if !assert.NoError(t, err) {
				return
			}
			values, err := credential.Account(t.Context(), vault, "admin", *cfg.Admin)
			if assert.NoError(t, err) {
				passwords[i] = values["admin.password"].Reveal()
			}
		})
	}
	all.Wait()

	for _, password := range passwords {
		assert.Equal(t, passwords[0], password)
	}
	versions, err := installation.Root.Logical().Read(strings.Replace(cfg.Admin.Path, "/data/", "/metadata/", 1))
	require.NoError(t, err)
	assert.Len(t, versions.Data["versions"], 1)
}

func TestAPasswordHasTwentyFourDistinctCharactersThatPeopleCanTellApart(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		values, err := credential.Account(t.Context(), &store{}, "admin", config.Account{Path: "kv/data/admin", Login: "admin"})
		require.NoError(t, err)
		password := values["admin.password"].Reveal()
		letters := map[rune]bool{}
		for _, letter := range password {
			letters[letter] = true
		}
		assert.Len(t, letters, 24)
		assert.NotContains(t, seen, password)
		assert.False(t, strings.ContainsAny(password, "0O1Il5S8B2Z"), password)
		seen[password] = true
	}
}

func TestAnAdministratorThatIsThereIsLeftAlone(t *testing.T) {
	vault := &store{data: map[string]any{"login": "root", "password": "kept"}}
	values, err := credential.Account(t.Context(), vault, "admin", config.Account{Path: "kv/data/admin", Login: "admin"})
	require.NoError(t, err)
	assert.Equal(t, "root", values["admin.login"].Reveal())
	assert.Equal(t, "kept", values["admin.password"].Reveal())
}

func TestADataKeyComesInEveryEncodingAndNoErrorHoldsIt(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcd\xff\xfe")
	from := config.DataKey{WrappedPath: "kv/data/data-key", DecryptPath: "transit/decrypt/key"}

	values, err := credential.DataKey(t.Context(), &store{
		data: map[string]any{"ciphertext": "vault:v1:x"}, plaintext: base64.StdEncoding.EncodeToString(raw),
	}, from)
	require.NoError(t, err)
	assert.Equal(t, "303132333435363738396162636465663031323334353637383961626364fffe", values["key.hex"].Reveal())
	assert.Equal(t, base64.StdEncoding.EncodeToString(raw), values["key.base64"].Reveal())
	assert.Equal(t, base64.URLEncoding.EncodeToString(raw), values["key.base64url"].Reveal())

	for _, bad := range []string{"c2hvcnQ=", "not base64"} {
		_, err := credential.DataKey(t.Context(), &store{data: map[string]any{"ciphertext": "vault:v1:x"}, plaintext: bad}, from)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), bad)
	}

	_, err = credential.DataKey(t.Context(), &store{}, from)
	waiting, ok := outcome.AsWaiting(err)
	require.True(t, ok)
	assert.Equal(t, credential.ReasonDataKeyMissing, waiting.Reason)
}

// store is a Vault with one kv entry that can be written once.
type store struct {
	data      map[string]any
	plaintext string
}

func (s *store) Read(context.Context, string) (map[string]any, error) {
	if s.data == nil {
		return nil, nil
	}
	return map[string]any{"data": s.data}, nil
}

func (s *store) Write(_ context.Context, path string, body map[string]any) (map[string]any, error) {
	if strings.Contains(path, "/decrypt/") {
		return map[string]any{"plaintext": s.plaintext}, nil
	}
	if s.data != nil {
		return nil, errors.New("check-and-set parameter did not match")
	}
	s.data = body["data"].(map[string]any)
	return nil, nil
}
