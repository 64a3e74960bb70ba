package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/minio/minio-go/v7"
)

// Cause of an Error, in the terms of a condition.
type Cause string

// Causes.
const (
	BucketMissing        Cause = "BucketMissing"
	AccessDenied         Cause = "AccessDenied"
	CredentialsMissing   Cause = "CredentialsMissing"
	RegionMismatch       Cause = "RegionMismatch"
	ObjectLockMissing    Cause = "ObjectLockMissing"
	CertificateUntrusted Cause = "CertificateUntrusted"
	Unreachable          Cause = "Unreachable"
	// Full says that there is no space left.
	Full Cause = "LocationFull"
	// Refused says that the server answered with something else.
	Refused Cause = "LocationRefused"
)

// ErrNotFound says that an object does not exist.
var ErrNotFound = errors.New("there is no such object")

// Error is why a location cannot be used. It holds nothing secret.
type Error struct {
	Cause    Cause
	Location string
	Message  string
}

func (e *Error) Error() string { return fmt.Sprintf("location %s: %s", e.Location, e.Message) }

// IsFull tells whether an error of S3 says that there is no space left.
func isFull(answer minio.ErrorResponse) bool {
	return answer.StatusCode == http.StatusInsufficientStorage ||
		slices.Contains([]string{"QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "NotEnoughSpace"}, answer.Code)
}

func hasCode(err error, code string) bool {
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && answer.Code == code
}

// explain gives an error of the client its cause.
func (s *Store) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return s.explainAnswer(answer)
	}
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return s.failure(CertificateUntrusted, "the certificate of %s is not trusted: %v", s.location.Endpoint, untrusted.Err)
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return s.failure(Unreachable, "%s does not answer in time", s.location.Endpoint)
	}
	if located, ok := errors.AsType[*url.Error](err); ok {
		err = located.Err // without the URL and its query
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		err = operation.Err // without our own port, which is another one each time
	}
	return s.failure(Unreachable, "%s cannot be reached: %v", s.location.Endpoint, err)
}

func (s *Store) explainAnswer(answer minio.ErrorResponse) error {
	switch answer.Code {
	case minio.NoSuchKey:
		return ErrNotFound
	case minio.NoSuchBucket:
		return s.failure(BucketMissing, "%s has no bucket %s", s.location.Endpoint, s.location.Bucket)
	case minio.AuthorizationHeaderMalformed, minio.InvalidRegion, "PermanentRedirect":
		return s.failure(RegionMismatch, "%s does not have bucket %s in region %s", s.location.Endpoint, s.location.Bucket, s.location.Region)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound":
		return s.failure(AccessDenied, "%s refuses the credentials at %s in Vault: %s", s.location.Endpoint, s.location.CredentialsPath, answer.Code)
	case minio.AccessDenied, "AllAccessDisabled", "Forbidden":
		return s.failure(AccessDenied, "%s does not let the credentials at %s in Vault use bucket %s",
			s.location.Endpoint, s.location.CredentialsPath, s.location.Bucket)
	}
	if isFull(answer) {
		return s.failure(Full, "no space is left at %s", s.location.Endpoint)
	}
	return s.failure(Refused, "%s answered %d %.60s", s.location.Endpoint, answer.StatusCode, answer.Code)
}

func (s *Store) failure(cause Cause, format string, args ...any) error {
	return &Error{Cause: cause, Location: s.location.Name, Message: fmt.Sprintf(format, args...)}
}
