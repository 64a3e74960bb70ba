package restore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"maps"
	"slices"

	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/repository"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// source is a location that the backup may be read from. One with an error is not.
type source struct {
	location   config.Location
	repository *repository.Repository
	record     manifest.Location
	err        error
}

func (s *source) result() result.Location {
	out := result.Location{Name: s.location.Name}
	if s.err != nil {
		_, out.Message = reasonOf(s.err)
	}
	return out
}

// check looks whether the restore can succeed, without touching anything. Its error is that of the first location when none can be
// read.
func (r *restore) check(ctx context.Context) (manifest.Manifest, error) {
	public, err := keys.Evidence(ctx, r.Vault, r.Keys)
	if err != nil {
		return manifest.Manifest{}, err
	}
	trusted := slices.Collect(maps.Values(public))
	var believed *manifest.Manifest
	for _, location := range r.Locations {
		s := &source{location: location}
		r.sources = append(r.sources, s)
		var m manifest.Manifest
		if m, s.err = r.openSource(ctx, s, trusted); s.err == nil {
			believed = &m
		}
		if ctx.Err() != nil {
			return manifest.Manifest{}, ctx.Err()
		}
	}
	switch {
	case len(r.sources) == 0:
		return manifest.Manifest{}, failf(ReasonNothingToDo, "the configuration names no location to read from")
	case believed == nil:
		return manifest.Manifest{}, r.sources[0].err
	}
	return *believed, errors.Join(r.checkDataKey(ctx, *believed), r.checkTarget(ctx, *believed))
}

// openSource reads the manifest in a location, believes it only if everything in it fits, and opens the repository.
func (r *restore) openSource(ctx context.Context, s *source, trusted []ed25519.PublicKey) (manifest.Manifest, error) {
	m, err := r.manifest(ctx, s.location, trusted)
	if err != nil {
		return m, err
	}
	var ok bool
	if s.record, ok = m.Location(s.location.Name); !ok || s.record.Repository != s.location.Prefix {
		return m, failf(ReasonManifestMismatch, "the manifest names no backup in location %s at %s", s.location.Name, s.location.Prefix)
	}
	opener := repository.Opener{Vault: r.Vault, Keys: r.Keys, Dir: r.ScratchDir, Host: m.Tenant + "." + m.Environment}
	if s.repository, err = opener.OpenRecorded(ctx, s.location, s.record.Password); err != nil {
		return m, r.keyError(s.record.Password, err)
	}
	if m.DataKey != "" {
		if _, err := keys.Unwrap(ctx, r.Vault, r.Keys, m.DataKey); err != nil {
			return m, r.keyError(m.DataKey, err)
		}
	}
	return m, s.mustHold(ctx)
}

func (r *restore) manifest(ctx context.Context, location config.Location, trusted []ed25519.PublicKey) (manifest.Manifest, error) {
	credentials, err := store.ReadCredentials(ctx, r.Vault, location)
	if err != nil {
		return manifest.Manifest{}, err
	}
	s, err := store.New(location, credentials)
	if err != nil {
		return manifest.Manifest{}, err
	}
	document, err := s.Manifest(ctx, r.asked.ID)
	if errors.Is(err, store.ErrNotFound) {
		return manifest.Manifest{}, failf(ReasonManifestMissing, "location %s has no manifest of backup %s", location.Name, r.asked.ID)
	}
	if err != nil {
		return manifest.Manifest{}, err
	}
	if digest := manifest.Digest(document); digest != r.asked.ManifestDigest {
		return manifest.Manifest{}, failf(ReasonManifestMismatch,
			"the manifest in location %s has digest %s, and that of the backup has %s", location.Name, digest, r.asked.ManifestDigest)
	}
	m, err := manifest.Read(document, trusted...)
	if err != nil {
		return manifest.Manifest{}, fail(ReasonManifestUntrusted, err)
	}
	return m, r.mustBeOurs(m)
}

func (r *restore) mustBeOurs(m manifest.Manifest) error {
	if m.ID != r.asked.ID || m.Tenant != r.asked.Tenant || m.Environment != r.asked.Environment || m.Key != r.Keys.Name {
		return failf(ReasonManifestMismatch, "the manifest is of backup %s of environment %s of tenant %s with key %s, which is not what was asked for",
			m.ID, m.Environment, m.Tenant, m.Key)
	}
	for _, v := range m.Volumes {
		if r.volumes[v.Name] == nil {
			return failf(ReasonVolumeMissing, "the backup has files of volume %s, which the environment does not have", v.Name)
		}
	}
	return nil
}

// keyError tells a key that was trimmed, destroyed or never there from a Vault that is not to be reached.
func (r *restore) keyError(wrapped string, err error) error {
	waiting, ok := outcome.AsWaiting(err)
	if !ok || waiting.Reason != session.ReasonRefused {
		return err
	}
	version, _ := keys.Version(wrapped)
	return failf(ReasonKeyUnavailable, "version %d of key %s does not decrypt what the backup needs: %s", version, r.Keys.Name, waiting.Message)
}

// mustHold looks whether the repository can be read and has the snapshots.
func (s *source) mustHold(ctx context.Context) error {
	listed, err := s.repository.Snapshots(ctx, "")
	if err != nil {
		return err
	}
	for _, id := range s.record.Snapshots() {
		if !slices.ContainsFunc(listed, func(l restic.Listed) bool { return l.ID == id }) {
			return &restic.Error{Cause: restic.Damaged, Message: "a snapshot of the backup is not there"}
		}
	}
	return nil
}

// checkTarget looks for room.
func (r *restore) checkTarget(ctx context.Context, m manifest.Manifest) error {
	if err := database.Room(ctx, r.server, r.Config.Database.StorageBytes, m.Database.DatabaseBytes); err != nil {
		return err
	}
	for _, v := range m.Volumes {
		if err := r.volumes[v.Name].Room(v.Bytes); err != nil {
			return err
		}
	}
	return nil
}
