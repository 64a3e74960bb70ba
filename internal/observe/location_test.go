package observe_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/observe"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// reader answers as Vault does.
type reader func() (map[string]any, error)

func (r reader) Read(context.Context, string) (map[string]any, error) { return r() }

func credentials() (map[string]any, error) {
	return map[string]any{"data": map[string]any{"accessKeyID": "id", "secretAccessKey": "key"}}, nil
}

func TestWhatVaultWaitsForIsWhatALocationWaitsFor(t *testing.T) {
	sealed := outcome.Wait("VaultSealed", time.Second, "sealed")
	vault := reader(func() (map[string]any, error) { return nil, sealed })
	err := observe.Locations{Vault: vault, Timeout: time.Minute}.Try(t.Context(), config.Location{}, "probe", nil)
	assert.Equal(t, sealed, err)
}

func TestALocationThatAnswersNothingIsUnreachableAndNeverHoldsAWorkerForLong(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	err = observe.Locations{Vault: reader(credentials), Timeout: 100 * time.Millisecond}.Try(t.Context(), config.Location{
		Name: "main", Endpoint: "https://" + silent.Addr().String(), Region: "cn-east-1", Bucket: "backups", Prefix: "probe",
	}, "probe", nil)
	w, ok := outcome.AsWaiting(err)
	require.True(t, ok, "got %v", err)
	assert.Equal(t, v1alpha1.ReasonUnreachable, w.Reason)
}
