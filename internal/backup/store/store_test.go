package store_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

func open(t *testing.T, server *s3test.Server, change ...func(*config.Location, *store.Credentials)) *store.Store {
	t.Helper()
	location := server.Location("east", "bucket", "backups/crm-acme--prod/1764000000")
	with := store.Credentials{AccessKeyID: server.AccessKeyID, SecretAccessKey: secret.New(server.SecretAccessKey)}
	for _, c := range change {
		c(&location, &with)
	}
	s, err := store.New(location, with)
	require.NoError(t, err)
	return s
}

func TestOfTwoRunsThatMakeAKeyAtTheSameTimeOneIsHeard(t *testing.T) {
	server := s3test.Start(t, "bucket")
	_, err := open(t, server).Key(t.Context())
	require.ErrorIs(t, err, store.ErrNotFound)

	const runs = 8
	got := make([]string, runs)
	var all sync.WaitGroup
	for i := range runs {
		all.Go(func() {
			key, err := open(t, server).CreateKey(t.Context(), []byte{byte('a' + i)})
			if assert.NoError(t, err) {
				got[i] = string(key)
			}
		})
	}
	all.Wait()
	for _, key := range got {
		assert.Equal(t, got[0], key)
	}
}

func TestManifestsAreStoredListedAndDeleted(t *testing.T) {
	server := s3test.Start(t, "bucket")
	s := open(t, server)
	ids, err := s.Manifests(t.Context())
	require.NoError(t, err)
	assert.Empty(t, ids)
	require.NoError(t, s.PutManifest(t.Context(), "weekly-2", []byte("two")))
	require.NoError(t, s.PutManifest(t.Context(), "daily-1", []byte("one")))
	_, err = server.Client(t).PutObject(t.Context(), "bucket", s.Location().Prefix+"/manifests/NOT ours.json", strings.NewReader(""), 0, minio.PutObjectOptions{})
	require.NoError(t, err)

	ids, err = s.Manifests(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"daily-1", "weekly-2"}, ids)
	document, err := s.Manifest(t.Context(), "daily-1")
	require.NoError(t, err)
	assert.Equal(t, "one", string(document))

	require.NoError(t, s.DeleteManifest(t.Context(), "daily-1"))
	require.NoError(t, s.DeleteManifest(t.Context(), "daily-1"), "deleting twice")
	_, err = s.Manifest(t.Context(), "daily-1")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestAnObjectLargerThanAnyOfOursIsNotRead(t *testing.T) {
	server := s3test.Start(t, "bucket")
	s := open(t, server)
	require.NoError(t, s.PutManifest(t.Context(), "big", make([]byte, manifest.MaxSize+1)))
	_, err := s.Manifest(t.Context(), "big")
	require.ErrorContains(t, err, "larger than")
}

func TestEveryWayThatALocationCanFailHasItsCause(t *testing.T) {
	server := s3test.Start(t, "bucket")
	stopped := s3test.Start(t)
	stopped.Stop(t)
	for sentence, test := range map[string]struct {
		change func(*config.Location, *store.Credentials)
		cause  store.Cause
		says   string
	}{
		"the bucket is missing": {func(l *config.Location, _ *store.Credentials) { l.Bucket = "nowhere" }, store.BucketMissing, "no bucket nowhere"},
		"the access key is unknown": {func(_ *config.Location, c *store.Credentials) { c.AccessKeyID = "nobody" }, store.AccessDenied,
			"refuses the credentials at crmkeep-kv/data/locations/east in Vault"},
		"the secret key is wrong": {func(_ *config.Location, c *store.Credentials) { c.SecretAccessKey = secret.New("a wrong secret") }, store.AccessDenied,
			"SignatureDoesNotMatch"},
		"the certificate is not trusted": {func(l *config.Location, _ *store.Credentials) { l.CABundle = "" }, store.CertificateUntrusted, "is not trusted"},
		"nothing listens":                {func(l *config.Location, _ *store.Credentials) { l.Endpoint = stopped.Endpoint }, store.Unreachable, "connection refused"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := open(t, server, test.change)
			for action, do := range map[string]func() error{
				"create": func() error { _, err := s.CreateKey(t.Context(), []byte("key")); return err },
				"read":   func() error { _, err := s.Manifest(t.Context(), "one"); return err },
				"list":   func() error { _, err := s.Manifests(t.Context()); return err },
			} {
				var failure *store.Error
				require.ErrorAs(t, do(), &failure, action)
				assert.Equal(t, test.cause, failure.Cause, action)
				assert.Contains(t, failure.Error(), test.says, action)
				assert.NotContains(t, failure.Error(), "a wrong secret", action)
			}
		})
	}
}
