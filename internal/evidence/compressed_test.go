package evidence_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/evidence"
)

func TestACertificateIsReadWhetherItIsCompressedOrNot(t *testing.T) {
	text, err := evidence.ReviewStatement{Tenant: "acme", Environment: "prod", RowCount: 0}.Encode()
	require.NoError(t, err)
	plain, public := certified(t, text)
	packed, err := evidence.Compress(plain)
	require.NoError(t, err)
	for _, stored := range [][]byte{plain, packed} {
		content, err := evidence.Unpack(stored)
		require.NoError(t, err)
		got, err := evidence.Read(content, public)
		require.NoError(t, err)
		assert.Equal(t, text, got)
	}
}

func TestAnArchiveThatWouldFillTheMemoryIsRefused(t *testing.T) {
	bomb, err := evidence.Compress(bytes.Repeat([]byte{' '}, 40<<20))
	require.NoError(t, err)
	assert.Less(t, len(bomb), 1<<20)
	_, err = evidence.Unpack(bomb)
	require.ErrorContains(t, err, "larger than")
}
