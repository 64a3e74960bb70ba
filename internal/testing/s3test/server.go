// Package s3test runs a real S3 server as a process for tests: objects are files in a temporary folder, TLS with an authority of its
// own, on a free port of localhost, ended with the test.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/testing/loopback"
	need "github.com/crmkeep/crmkeep/internal/testing/require"
)

// BinaryEnv names the environment variable with the path of the server, versitygw; hack/tools builds it.
const BinaryEnv = "CRMKEEP_VERSITYGW_BINARY"

// Region of every server.
const Region = "cn-east-1"

const startTimeout = 30 * time.Second

// Server is a running S3 server.
type Server struct {
	// Endpoint is its URL, "https://127.0.0.1:port".
	Endpoint string
	// CABundle that its certificate chains to, PEM.
	CABundle string
	// AccessKeyID and SecretAccessKey may do everything.
	AccessKeyID, SecretAccessKey string

	listen  string
	dir     string
	size    string
	pool    *x509.CertPool
	process *exec.Cmd
	log     bytes.Buffer
}

// Start runs a server with the buckets until the test ends. Without BinaryEnv it skips the test.
func Start(t testing.TB, buckets ...string) *Server {
	t.Helper()
	return start(t, "", buckets)
}

// StartSmall runs a server whose disk takes no more than size, as mount takes it: "8m". What it stored is gone once it is stopped.
func StartSmall(t testing.TB, size string, buckets ...string) *Server {
	t.Helper()
	return start(t, size, buckets)
}

func start(t testing.TB, size string, buckets []string) *Server {
	t.Helper()
	need.Env(t, BinaryEnv, "a real S3 server, built by hack/tools")
	listen := loopback.Address(t)
	s := &Server{
		Endpoint: "https://" + listen, AccessKeyID: random(10), SecretAccessKey: random(20),
		listen: listen, dir: t.TempDir(), size: size,
	}
	for _, folder := range []string{"buckets", "metadata", "versions"} {
		if err := os.Mkdir(filepath.Join(s.dir, folder), 0o700); err != nil {
			t.Fatalf("make the folder of the S3 server: %v", err)
		}
	}
	s.certify(t)
	s.Run(t)
	t.Cleanup(func() { s.Stop(t) })
	for _, bucket := range buckets {
		if err := s.Client(t).MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{Region: Region}); err != nil {
			t.Fatalf("make bucket %s: %v", bucket, err)
		}
	}
	return s
}

// Client that may do everything.
func (s *Server) Client(t testing.TB) *minio.Client {
	t.Helper()
	client, err := minio.New(s.listen, &minio.Options{
		Creds:  credentials.NewStaticV4(s.AccessKeyID, s.SecretAccessKey, ""),
		Secure: true, Region: Region, Transport: s.transport(), BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
	if err != nil {
		t.Fatalf("make an S3 client: %v", err)
	}
	return client
}

// File is where the content of an object is: change it to damage the object behind the server's back.
func (s *Server) File(bucket, key string) string {
	return filepath.Join(s.dir, "buckets", bucket, filepath.FromSlash(key))
}

// Location below prefix in a bucket, with credentials where Vault has those of the location name.
func (s *Server) Location(name, bucket, prefix string) config.Location {
	return config.Location{
		Name: name, Endpoint: s.Endpoint, CABundle: s.CABundle, Region: Region, Bucket: bucket, Prefix: prefix,
		CredentialsPath: "crmkeep-kv/data/locations/" + name,
	}
}

// Run starts a stopped server on the same address with what it had stored.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	command := []string{os.Getenv(BinaryEnv), "--port", s.listen, "--region", Region, "--quiet",
		"--cert", filepath.Join(s.dir, "tls.crt"), "--key", filepath.Join(s.dir, "tls.key"), "--health", "/health",
		"posix", "--sidecar", filepath.Join(s.dir, "metadata"), "--versioning-dir", filepath.Join(s.dir, "versions"), filepath.Join(s.dir, "buckets")}
	if s.size != "" {
		command = append(s.onSmallDisk(), command...)
	}
	process := exec.Command(command[0], command[1:]...)
	process.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.AccessKeyID, "ROOT_SECRET_ACCESS_KEY="+s.SecretAccessKey)
	process.Stdout, process.Stderr = &s.log, &s.log
	if err := process.Start(); err != nil {
		t.Fatalf("start the S3 server: %v", err)
	}
	s.process = process
	s.waitHealthy(t)
}

// onSmallDisk begins a command whose buckets are on a disk in memory that no other process sees, which takes no rights of root.
func (s *Server) onSmallDisk() []string {
	return []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"`, s.size, filepath.Join(s.dir, "buckets")}
}

// Stop kills the process, as when a store goes away; what it stored stays until the test ends.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.process == nil {
		return
	}
	process := s.process
	s.process = nil
	if err := process.Process.Kill(); err != nil {
		t.Errorf("stop the S3 server: %v", err)
	}
	_ = process.Wait()
}

func (s *Server) waitHealthy(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	client := http.Client{Transport: s.transport()}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+"/health", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Stop(t)
			t.Fatalf("the S3 server does not answer: %v\n%s", err, s.log.String())
		}
	}
}

func (s *Server) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.pool, MinVersion: tls.VersionTLS12}}
}

func random(bytes int) string {
	out := make([]byte, bytes)
	_, _ = rand.Read(out)
	return hex.EncodeToString(out)
}
