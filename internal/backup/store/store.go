// Package store is one location of an environment's backups: what lies in the bucket beside the restic repository.
package store

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
)

// Names below a location's prefix.
const (
	keyFile          = "key.json"
	repositoryFolder = "repository"
	manifestsFolder  = "manifests/"
	manifestSuffix   = ".json"
)

const (
	maxKeySize = 4 << 10
	// attempts of each request, with growing pauses between them: some ten seconds in all.
	attempts = 5
	// answerTimeout is how long a server may take to begin its answer.
	answerTimeout = time.Minute
)

// Credentials of a location.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.String
}

// Reader reads from Vault, nil when there is nothing at path.
type Reader = keys.Reader

// ReadCredentials of a location from Vault.
func ReadCredentials(ctx context.Context, vault Reader, location config.Location) (Credentials, error) {
	answer, err := vault.Read(ctx, location.CredentialsPath)
	if err != nil {
		return Credentials{}, err
	}
	data, _ := answer["data"].(map[string]any)
	id, _ := data["accessKeyID"].(string)
	key, _ := data["secretAccessKey"].(string)
	if id == "" || key == "" {
		return Credentials{}, &Error{Cause: CredentialsMissing, Location: location.Name,
			Message: fmt.Sprintf("%s in Vault has no accessKeyID and secretAccessKey", location.CredentialsPath)}
	}
	return Credentials{AccessKeyID: id, SecretAccessKey: secret.New(key)}, nil
}

// Store is the part of a bucket that is below a location's prefix.
type Store struct {
	location    config.Location
	credentials Credentials
	client      *minio.Client
}

// New makes a store without calling the server.
func New(location config.Location, with Credentials) (*Store, error) {
	endpoint, err := url.Parse(location.Endpoint)
	if err != nil || endpoint.Scheme != "https" || endpoint.Host == "" {
		return nil, fmt.Errorf("location %s: the endpoint is not an https URL", location.Name)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if location.CABundle != "" {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM([]byte(location.CABundle)) {
			return nil, fmt.Errorf("location %s: the CA bundle holds no certificate in PEM", location.Name)
		}
	}
	lookup := minio.BucketLookupPath
	if location.VirtualHost {
		lookup = minio.BucketLookupDNS
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(with.AccessKeyID, with.SecretAccessKey.Reveal(), ""),
		Secure: true, Region: location.Region, BucketLookup: lookup, MaxRetries: attempts,
		Transport: &http.Transport{
			TLSClientConfig: settings, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: answerTimeout,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("location %s: %w", location.Name, err)
	}
	return &Store{location: location, credentials: with, client: client}, nil
}

// Location of the store.
func (s *Store) Location() config.Location { return s.location }

// Credentials of the store.
func (s *Store) Credentials() Credentials { return s.credentials }

// RepositoryURL is where restic finds the repository.
func (s *Store) RepositoryURL() string {
	return "s3:" + strings.TrimSuffix(s.location.Endpoint, "/") + "/" + s.location.Bucket + "/" + s.key(repositoryFolder)
}

// Repository tells whether there is one, and whether somebody has left a lock in it.
func (s *Store) Repository(ctx context.Context) (exists, locked bool, err error) {
	if exists, err = s.exists(ctx, "config"); err != nil || !exists {
		return false, false, err
	}
	ctx, cancel := context.WithCancel(ctx) // ends the listing when we leave early
	defer cancel()
	for object := range s.client.ListObjects(ctx, s.location.Bucket, minio.ListObjectsOptions{Prefix: s.key(repositoryFolder + "/locks/"), MaxKeys: 1}) {
		return true, true, s.explain(ctx, object.Err)
	}
	return true, false, nil
}

// HasSnapshot tells whether the repository has the snapshot, by its whole ID.
func (s *Store) HasSnapshot(ctx context.Context, id string) (bool, error) {
	return s.exists(ctx, "snapshots/"+id)
}

// exists tells whether an object of the repository does.
func (s *Store) exists(ctx context.Context, name string) (bool, error) {
	_, err := s.client.StatObject(ctx, s.location.Bucket, s.key(repositoryFolder+"/"+name), minio.StatObjectOptions{})
	if err = s.explain(ctx, err); errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Key gives the file with the repository's wrapped password; ErrNotFound when there is none.
func (s *Store) Key(ctx context.Context) ([]byte, error) {
	return s.get(ctx, s.key(keyFile), maxKeySize)
}

// CreateKey stores the file with the repository's wrapped password unless there is one, and gives the one that is there then. So two
// runs that begin at the same time use the same password; where the server knows no such condition, only that runs exclude each other
// sees to it.
func (s *Store) CreateKey(ctx context.Context, content []byte) ([]byte, error) {
	options := minio.PutObjectOptions{ContentType: "application/json"}
	options.SetMatchETagExcept("*")
	err := s.put(ctx, s.key(keyFile), content, options)
	if hasCode(err, "NotImplemented") {
		err = s.put(ctx, s.key(keyFile), content, minio.PutObjectOptions{ContentType: "application/json"})
	}
	if err != nil && !hasCode(err, minio.PreconditionFailed) && !hasCode(err, "ConditionalRequestConflict") {
		return nil, s.explain(ctx, err)
	}
	return s.Key(ctx)
}

// PutManifest stores a backup's signed manifest.
func (s *Store) PutManifest(ctx context.Context, id string, document []byte) error {
	return s.explain(ctx, s.put(ctx, s.manifestKey(id), document, minio.PutObjectOptions{ContentType: "application/json"}))
}

// Manifest gives a backup's signed manifest, not verified; ErrNotFound when there is none.
func (s *Store) Manifest(ctx context.Context, id string) ([]byte, error) {
	return s.get(ctx, s.manifestKey(id), manifest.MaxSize)
}

// DeleteManifest makes a backup none. It is no error when there is none.
func (s *Store) DeleteManifest(ctx context.Context, id string) error {
	return s.explain(ctx, s.client.RemoveObject(ctx, s.location.Bucket, s.manifestKey(id), minio.RemoveObjectOptions{}))
}

// Manifests lists the IDs of the backups, sorted.
func (s *Store) Manifests(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when we leave early
	defer cancel()
	folder := s.key(manifestsFolder)
	var ids []string
	for object := range s.client.ListObjects(ctx, s.location.Bucket, minio.ListObjectsOptions{Prefix: folder}) {
		if object.Err != nil {
			return nil, s.explain(ctx, object.Err)
		}
		id, ok := strings.CutSuffix(strings.TrimPrefix(object.Key, folder), manifestSuffix)
		if ok && manifest.ValidID(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *Store) key(name string) string { return s.location.Prefix + "/" + name }

func (s *Store) manifestKey(id string) string { return s.key(manifestsFolder + id + manifestSuffix) }

func (s *Store) put(ctx context.Context, key string, content []byte, options minio.PutObjectOptions) error {
	// Not in chunks with signatures of their own: not every server reads those, and it is one small body.
	options.DisableMultipart = true
	_, err := s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(content), int64(len(content)), options)
	return err
}

func (s *Store) get(ctx context.Context, key string, limit int64) ([]byte, error) {
	object, err := s.client.GetObject(ctx, s.location.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	defer object.Close() //nolint:errcheck // it was read
	content, err := io.ReadAll(io.LimitReader(object, limit+1))
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if int64(len(content)) > limit {
		return nil, errors.New(key + " is larger than anything that crmkeep writes there")
	}
	return content, nil
}
