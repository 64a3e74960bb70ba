package keys_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
)

var paths = config.Keys{
	Name: "crm-acme--prod", DataKeyPath: "datakey", DecryptPath: "decrypt", SignPath: "sign", EvidencePath: "evidence", WrappedPath: "wrapped",
}

// answers is a Vault that says the same to everything.
type answers map[string]any

func (a answers) Read(context.Context, string) (map[string]any, error) { return a, nil }

func (a answers) Write(context.Context, string, map[string]any) (map[string]any, error) {
	return a, nil
}

func TestAnAnswerThatHoldsNoKeyIsRefusedWithoutQuotingIt(t *testing.T) {
	const quoted = "aHVudGVyMg=="
	for sentence, answer := range map[string]answers{
		"nothing":         nil,
		"a short key":     {"ciphertext": "vault:v1:x", "plaintext": quoted, "signature": quoted},
		"no base64":       {"ciphertext": "vault:v1:x", "plaintext": "hunter2"},
		"another version": {"signature": "vault:x1:" + quoted, "keys": map[string]any{"one": map[string]any{"public_key": quoted}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, made := keys.NewPassword(t.Context(), answer, paths)
			_, unwrapped := keys.Unwrap(t.Context(), answer, paths, "vault:v1:x")
			_, signed := keys.Sign(t.Context(), answer, paths, "text")
			_, public := keys.Evidence(t.Context(), answer, paths)
			_, wrapped := keys.WrappedDataKey(t.Context(), answer, paths)
			for _, err := range []error{made, unwrapped, signed, public, wrapped} {
				require.Error(t, err)
				assert.NotContains(t, err.Error(), "hunter2")
				assert.NotContains(t, err.Error(), quoted)
			}
		})
	}
}

func TestAStoredPasswordIsThatOfItsKey(t *testing.T) {
	file, err := keys.Password{Wrapped: "vault:v3:abc"}.Store(paths)
	require.NoError(t, err)
	wrapped, err := keys.Stored(file, paths)
	require.NoError(t, err)
	assert.Equal(t, "vault:v3:abc", wrapped)
	version, err := keys.Version(wrapped)
	require.NoError(t, err)
	assert.EqualValues(t, 3, version)

	other := paths
	other.Name = "crm-other--prod"
	_, err = keys.Stored(file, other)
	require.ErrorContains(t, err, "crm-acme--prod")
	for _, content := range []string{"", "[]", `{"key":"crm-acme--prod","ciphertext":"c2VjcmV0"}`} {
		_, err = keys.Stored([]byte(content), paths)
		require.Error(t, err, content)
	}
}

func TestARestrictKeyIsOneThatDumpsTakeAndDoesNotTellThePassword(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(make([]byte, 32))
	made, err := keys.NewPassword(t.Context(), answers{"ciphertext": "vault:v1:x", "plaintext": text}, paths)
	require.NoError(t, err)
	assert.Regexp(t, "^[0-9a-f]{64}$", made.RestrictKey())
	assert.Equal(t, made.RestrictKey(), made.RestrictKey())
	assert.NotContains(t, made.RestrictKey(), text)
}
