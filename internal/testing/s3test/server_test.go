package s3test_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

func TestAServerKeepsWhatItStoredAndShowsItsFiles(t *testing.T) {
	server := s3test.Start(t, "first", "second")
	_, err := server.Client(t).PutObject(t.Context(), "first", "a/b.txt", strings.NewReader("hello"), 5, minio.PutObjectOptions{})
	require.NoError(t, err)
	server.Stop(t)
	server.Run(t)

	object, err := server.Client(t).GetObject(t.Context(), "first", "a/b.txt", minio.GetObjectOptions{})
	require.NoError(t, err)
	content, err := io.ReadAll(object)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))
	onDisk, err := os.ReadFile(server.File("first", "a/b.txt"))
	require.NoError(t, err)
	assert.Equal(t, "hello", string(onDisk))
}

func TestASecondObjectOfAKeyIsRefusedWhenAskedFor(t *testing.T) {
	server := s3test.Start(t, "bucket")
	only := minio.PutObjectOptions{}
	only.SetMatchETagExcept("*")
	_, err := server.Client(t).PutObject(t.Context(), "bucket", "key", strings.NewReader("1"), 1, only)
	require.NoError(t, err)
	_, err = server.Client(t).PutObject(t.Context(), "bucket", "key", strings.NewReader("2"), 1, only)
	require.Equal(t, "PreconditionFailed", minio.ToErrorResponse(err).Code)
}
