//go:build e2e

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The other tests would fail without what this one looks at, but would not say so.

func TestTheLocalClusterGivesPodsWhatAClusterGives(t *testing.T) {
	out, err := program(t.Context(), nil, "hack/cluster/scripts/check.sh")
	require.NoError(t, err, out)
	t.Logf("\n%s", out)
}
