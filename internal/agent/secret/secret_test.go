package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

func TestASecretIsShownByNoVerbLoggerOrEncoder(t *testing.T) {
	const text = "correct horse"
	s := secret.New(text)
	holder := struct{ Value secret.String }{s}

	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+verb, s, holder)
	}
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("shown", "secret", s, "holder", holder)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("shown", "secret", s, "holder", holder)
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	shown.Write(encoded)

	assert.NotContains(t, shown.String(), text)
	assert.NotContains(t, shown.String(), fmt.Sprintf("%x", text))
	assert.Contains(t, shown.String(), "[redacted]")
	assert.Equal(t, text, s.Reveal())
}
