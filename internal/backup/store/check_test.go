package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/testing/s3test"
)

// checked has a server's bucket "backups" checked, after change.
func checked(t *testing.T, server *s3test.Server, lock *store.Lock, change func(*config.Location, *store.Credentials)) error {
	t.Helper()
	location := config.Location{
		Name: "main", Endpoint: server.Endpoint, CABundle: server.CABundle, Region: s3test.Region, Bucket: "backups", Prefix: "crm/probe",
		CredentialsPath: "crmkeep-kv/data/locations/main",
	}
	credentials := store.Credentials{AccessKeyID: server.AccessKeyID, SecretAccessKey: secret.New(server.SecretAccessKey)}
	if change != nil {
		change(&location, &credentials)
	}
	s, err := store.New(location, credentials)
	require.NoError(t, err)
	return s.Check(t.Context(), fmt.Sprint(time.Now().UnixNano()), lock)
}

func mustFail(t *testing.T, err error, cause store.Cause, mention string) {
	t.Helper()
	var failed *store.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, cause, failed.Cause, failed.Message)
	assert.Contains(t, failed.Message, mention)
}

func TestACheckOfALocationLeavesNothingBehind(t *testing.T) {
	server := s3test.Start(t, "backups")
	require.NoError(t, checked(t, server, nil, nil))
	for object := range server.Client(t).ListObjects(t.Context(), "backups", minio.ListObjectsOptions{Recursive: true}) {
		t.Errorf("%s is left, %v", object.Key, object.Err)
	}
}

func TestACheckSaysWhatIsWrongWithALocation(t *testing.T) {
	server := s3test.Start(t, "backups")
	other := s3test.Start(t)
	for sentence, c := range map[string]struct {
		change  func(*config.Location, *store.Credentials)
		cause   store.Cause
		mention string
	}{
		"a bucket that is not there": {
			func(l *config.Location, _ *store.Credentials) { l.Bucket = "missing" }, store.BucketMissing, "bucket missing (to write a probe object)"},
		"an access key that is not known": {
			func(_ *config.Location, c *store.Credentials) { c.AccessKeyID = "nobody" }, store.AccessDenied, "locations/main in Vault"},
		"a secret key that is wrong": {
			func(_ *config.Location, c *store.Credentials) { c.SecretAccessKey = secret.New("wrong") }, store.AccessDenied, "locations/main in Vault"},
		"another region": {
			func(l *config.Location, _ *store.Credentials) { l.Region = "eu-west-1" }, store.RegionMismatch, "region eu-west-1"},
		"another authority": {
			func(l *config.Location, _ *store.Credentials) { l.CABundle = other.CABundle }, store.CertificateUntrusted, "not trusted"},
		"nobody at the endpoint": {
			func(l *config.Location, _ *store.Credentials) { l.Endpoint = "https://127.0.0.1:1" }, store.Unreachable, "cannot be reached"},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := checked(t, server, nil, c.change)
			mustFail(t, err, c.cause, c.mention)
			assert.NotContains(t, err.Error(), server.SecretAccessKey)
		})
	}
}

func TestACheckHoldsTheDeclaredLockAgainstTheBuckets(t *testing.T) {
	server := s3test.Start(t)
	client := server.Client(t)
	require.NoError(t, client.MakeBucket(t.Context(), "backups", minio.MakeBucketOptions{Region: s3test.Region, ObjectLocking: true}))
	lock := func(mode minio.RetentionMode, days uint, unit minio.ValidityUnit) {
		require.NoError(t, client.SetObjectLockConfig(t.Context(), "backups", &mode, &days, &unit))
	}

	mustFail(t, checked(t, server, &store.Lock{Mode: "Governance", Days: 7}, nil), store.ObjectLockMissing, "locks no new object")
	lock(minio.Governance, 7, minio.Days)
	require.NoError(t, checked(t, server, &store.Lock{Mode: "Governance", Days: 7}, nil))
	mustFail(t, checked(t, server, &store.Lock{Mode: "Governance", Days: 8}, nil), store.ObjectLockMissing, "for 7 days instead of Governance for 8")
	mustFail(t, checked(t, server, &store.Lock{Mode: "Compliance", Days: 7}, nil), store.ObjectLockMissing, "in mode GOVERNANCE")
	lock(minio.Compliance, 1, minio.Years)
	require.NoError(t, checked(t, server, &store.Lock{Mode: "Compliance", Days: 365}, nil))
}

func TestABucketWithoutALockIsNotTakenForOneWithIt(t *testing.T) {
	server := s3test.Start(t, "backups")
	mustFail(t, checked(t, server, &store.Lock{Mode: "Governance", Days: 1}, nil), store.ObjectLockMissing, "locks no new object")
}
