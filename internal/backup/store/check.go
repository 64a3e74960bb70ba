package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/minio/minio-go/v7"
)

// Lock is the default retention that a bucket gives to new objects.
type Lock struct {
	// Mode is "Governance" or "Compliance".
	Mode string
	// Days that an object is locked for, at least.
	Days int
}

// daysOfYear is how object stores count a retention in years.
const daysOfYear = 365

// Check does with an object of that name, which is new each time, what backups do: it writes, reads, lists and deletes it. A bucket
// that has to have a lock keeps the version that was deleted until the lock ends; its default retention is looked at besides.
func (s *Store) Check(ctx context.Context, name string, lock *Lock) error {
	key, content := s.key(name), []byte("crmkeep: a probe, which can be deleted")
	var version string
	for _, step := range []struct {
		verb string
		do   func() error
	}{
		{"write", func() (err error) {
			version, err = s.write(ctx, key, content)
			return err
		}},
		{"read", func() error { return s.mustHold(ctx, key, content) }},
		{"list", func() error { return s.mustList(ctx, key) }},
		{"delete", func() error {
			options := minio.RemoveObjectOptions{}
			if lock == nil {
				options.VersionID = version // Otherwise a bucket with versions would keep every probe.
			}
			return s.explain(ctx, s.client.RemoveObject(ctx, s.location.Bucket, key, options))
		}},
	} {
		if err := step.do(); err != nil {
			return s.while(step.verb+" a probe object", err)
		}
	}
	if lock == nil {
		return nil
	}
	return s.mustLock(ctx, *lock)
}

// while says what was tried when a location failed.
func (s *Store) while(what string, err error) error {
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	return s.failure(failed.Cause, "%s (to %s)", failed.Message, what)
}

func (s *Store) write(ctx context.Context, key string, content []byte) (version string, err error) {
	info, err := s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(content), int64(len(content)),
		minio.PutObjectOptions{DisableMultipart: true, ContentType: "text/plain"})
	return info.VersionID, s.explain(ctx, err)
}

func (s *Store) mustHold(ctx context.Context, key string, want []byte) error {
	got, err := s.get(ctx, key, maxKeySize)
	switch {
	case errors.Is(err, ErrNotFound):
		return s.failure(Refused, "%s has not kept what was written", s.location.Endpoint)
	case err != nil:
		return err
	case !bytes.Equal(got, want):
		return s.failure(Refused, "%s has not kept what was written as it was", s.location.Endpoint)
	}
	return nil
}

func (s *Store) mustList(ctx context.Context, key string) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing when we leave early
	defer cancel()
	for object := range s.client.ListObjects(ctx, s.location.Bucket, minio.ListObjectsOptions{Prefix: key}) {
		if object.Err != nil {
			return s.explain(ctx, object.Err)
		}
		if object.Key == key {
			return nil
		}
	}
	return s.failure(Refused, "%s does not list what was written", s.location.Endpoint)
}

// mustLock looks at the bucket's default retention.
func (s *Store) mustLock(ctx context.Context, want Lock) error {
	enabled, mode, validity, unit, err := s.client.GetObjectLockConfig(ctx, s.location.Bucket)
	if err != nil && !hasCode(err, "ObjectLockConfigurationNotFoundError") {
		return s.while("read the object lock", s.explain(ctx, err))
	}
	if enabled != "Enabled" || mode == nil || validity == nil || unit == nil {
		return s.failure(ObjectLockMissing, "bucket %s locks no new object by default", s.location.Bucket)
	}
	days := int(*validity)
	if *unit == minio.Years {
		days *= daysOfYear
	}
	if !strings.EqualFold(mode.String(), want.Mode) || days < want.Days {
		return s.failure(ObjectLockMissing, "bucket %s locks new objects in mode %s for %d days instead of %s for %d",
			s.location.Bucket, mode, days, want.Mode, want.Days)
	}
	return nil
}
