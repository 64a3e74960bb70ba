package run

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/repository"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// backup is one run that makes a backup.
type backup struct {
	*job.Job
	parts   parts
	started time.Time
	content database.Content
	// dataKey is the application's, wrapped.
	dataKey string
	// restrictedBy is what the dump's restrict key is derived from.
	restrictedBy keys.Password
}

func makeBackup(ctx context.Context, j *job.Job) result.Result {
	b := &backup{Job: j, parts: partsOf(j.Locations), started: time.Now()}
	document, err := b.make(ctx)
	if document == nil {
		b.parts.fail(cmp.Or(ctx.Err(), err))
	}
	r := result.Result{Rows: b.content.Rows(), Tables: int64(len(b.content.Tables)), Bytes: b.bytes(), KeyVersion: b.keyVersion()}
	for _, p := range b.parts {
		r.Locations = append(r.Locations, p.result())
	}
	switch left := b.parts.left(); {
	case ctx.Err() != nil && len(left) == 0:
		r.Reason, r.Message = reasonOf(context.Canceled)
	case err != nil:
		r.Reason, r.Message = reasonOf(err)
	case len(left) == 0:
		_, why := reasonOf(b.parts[0].err)
		r.Reason, r.Message = reasonOfAll(b.parts.errors()), "no location holds the backup: "+b.parts[0].location.Name+": "+why
	case len(left) < len(b.parts):
		r.Reason, r.Message = ReasonPartiallyFailed, fmt.Sprintf("the backup is in %d of %d locations", len(left), len(b.parts))
	}
	if len(b.parts.left()) > 0 {
		r.ManifestDigest = manifest.Digest(document)
	}
	r.Lasting = lasting(b.parts.errors()...)
	return r
}

// make gives the signed manifest as it was stored. An error is one that has nothing to do with locations; those keep theirs.
func (b *backup) make(ctx context.Context) ([]byte, error) {
	for _, step := range []struct {
		stage string
		do    func(context.Context) error
	}{
		{result.StagePrepare, b.prepare},
		{result.StageDatabase, b.dump},
		{result.StageVolumes, b.files},
		{result.StageVerify, b.verify},
	} {
		b.Progress.Stage(step.stage)
		if err := step.do(ctx); err != nil {
			return nil, err
		}
		if len(b.parts.left()) == 0 {
			return nil, nil
		}
	}
	b.Progress.Stage(result.StageManifest)
	return b.store(ctx)
}

// prepare opens the locations and clears what a run of the same backup has left that died.
func (b *backup) prepare(ctx context.Context) error {
	id := b.Backup.ID
	if err := validID(id); err != nil {
		return err
	}
	var err error
	if b.dataKey, err = keys.WrappedDataKey(ctx, b.Vault, b.Keys); err != nil {
		return err
	}
	opener := b.opener()
	b.parts.each(ctx, func(ctx context.Context, p *part) (err error) {
		if p.repository, err = opener.OpenOrCreate(ctx, p.location); err != nil {
			return err
		}
		if created, err := p.repository.Prepare(ctx); err != nil || created {
			return err
		}
		return forget(ctx, p.repository, id)
	})
	return nil
}

func (b *backup) opener() repository.Opener {
	return repository.Opener{
		Vault: b.Vault, Keys: b.Keys, Dir: b.ScratchDir, AtOnce: len(b.parts),
		Host: b.Backup.Tenant + "." + b.Backup.Environment,
	}
}

// dump writes the database to all locations at once.
func (b *backup) dump(ctx context.Context) error {
	server, err := b.Database(ctx)
	if err != nil {
		return err
	}
	all := b.parts.left()
	out := newFan(ctx, all, b.Backup.ID, b.Progress.Done)
	defer out.abort()
	b.restrictedBy = all[0].repository.Unwrapped
	content, err := database.Dump(ctx, server, b.restrictedBy.RestrictKey(), out)
	if len(b.parts.left()) == 0 {
		return nil
	}
	if err != nil {
		return &dumpError{err}
	}
	b.content = content
	out.close(ctx)
	return nil
}

// files backs up the volumes, one after the other, to all locations at once.
func (b *backup) files(ctx context.Context) error {
	done := b.content.Bytes
	for _, name := range b.Volumes {
		folder := filepath.Join(b.VolumesDir, name)
		b.parts.each(ctx, func(ctx context.Context, p *part) error {
			told := func(bytes int64) { b.Progress.Done(done + bytes) }
			made, err := p.repository.Folder(ctx, folder, told, tag(b.Backup.ID))
			if restic.IsCause(err, restic.Incomplete) {
				// The application may have removed a file between the listing and the reading.
				made, err = p.repository.Folder(ctx, folder, told, tag(b.Backup.ID))
			}
			p.volumes = append(p.volumes, made)
			return err
		})
		if left := b.parts.left(); len(left) > 0 {
			done += left[0].volumes[len(left[0].volumes)-1].Bytes
		}
	}
	return nil
}

// verify reads every location back: the snapshots are there, and the repository's structure is whole.
func (b *backup) verify(ctx context.Context) error {
	b.parts.each(ctx, func(ctx context.Context, p *part) error {
		for _, s := range p.snapshots() {
			found, err := p.repository.Store.HasSnapshot(ctx, s.ID)
			if err == nil && !found {
				err = &restic.Error{Cause: restic.Damaged, Message: "a snapshot that was written is not there"}
			}
			if err != nil {
				return err
			}
		}
		var err error
		if p.problems, err = p.repository.Check(ctx, ""); err == nil && len(p.problems) > 0 {
			err = &restic.Error{Cause: restic.Damaged, Message: p.problems[0]}
		}
		return err
	})
	return nil
}

// dumpError says that the database could not be read.
type dumpError struct{ error }

func (e *dumpError) Unwrap() error { return e.error }

func (b *backup) bytes() int64 {
	bytes := b.content.Bytes
	if left := b.parts.left(); len(left) > 0 {
		for _, v := range left[0].volumes {
			bytes += v.Bytes
		}
	}
	return bytes
}

// keyVersion is the oldest that wraps anything of the backup: from it on all must be able to decrypt, as long as the backup is kept.
func (b *backup) keyVersion() (oldest int64) {
	wrapped := []string{b.dataKey}
	for _, p := range b.parts.left() {
		if p.repository != nil {
			wrapped = append(wrapped, p.repository.Unwrapped.Wrapped)
		}
	}
	for _, w := range wrapped {
		if version, err := keys.Version(w); err == nil && (oldest == 0 || version < oldest) {
			oldest = version
		}
	}
	return oldest
}
