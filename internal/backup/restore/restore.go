package restore

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/volumes"
)

// cleanUpTimeout is how long a run that was stopped may take to put things into order.
const cleanUpTimeout = 2 * time.Minute

// maxDifferences that a message tells.
const maxDifferences = 5

// restore is one run.
type restore struct {
	*job.Job
	asked   config.Restore
	server  database.Server
	volumes map[string]*volumes.Volume
	sources []*source
	content database.Content
	bytes   int64
	// touched is set once something was written anywhere.
	touched bool
}

func (r *restore) result(err error) result.Result {
	out := result.Result{
		Tables: int64(len(r.content.Tables)), Rows: r.content.Rows(), Bytes: r.bytes, Refused: err != nil && !r.touched,
	}
	for _, s := range r.sources {
		out.Locations = append(out.Locations, s.result())
	}
	if err != nil {
		out.Reason, out.Message = reasonOf(err)
		out.Lasting = lasting(out.Reason)
		return out
	}
	out.ManifestDigest = r.asked.ManifestDigest
	return out
}

func (r *restore) run(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.close()
	switch {
	case r.asked.Drop:
		return r.drop(ctx)
	case r.asked.Undo:
		return r.undo(ctx)
	}
	// A run that was killed in the middle of the swap has left it to us.
	begun, err := database.Swapped(ctx, r.server, r.asked.Name)
	if err != nil {
		return err
	}
	if begun {
		return r.swap(ctx)
	}
	return r.fromTheStart(ctx)
}

// open connects to what a restore is to be put into.
func (r *restore) open(ctx context.Context) (err error) {
	r.volumes = map[string]*volumes.Volume{}
	for _, name := range r.Volumes {
		if r.volumes[name], err = volumes.Open(filepath.Join(r.VolumesDir, name), r.asked.Name); err != nil {
			return err
		}
	}
	r.server, err = r.Database(ctx)
	return err
}

func (r *restore) close() {
	for _, v := range r.volumes {
		_ = v.Close() // nothing is pending on it
	}
}

func (r *restore) fromTheStart(ctx context.Context) error {
	m, err := r.check(ctx)
	if err != nil {
		return err
	}
	r.touched = true
	if err := r.load(ctx, m); err != nil {
		return errors.Join(err, r.discard(ctx))
	}
	if err := r.takeDataKey(ctx, m); err != nil {
		return errors.Join(err, r.discard(ctx))
	}
	return r.swap(ctx)
}

// load reads from the first location that holds the backup undamaged, and verifies what the database has made of it.
func (r *restore) load(ctx context.Context, m manifest.Manifest) error {
	r.Progress.Stage(result.StageRead)
	r.bytes = m.Database.Bytes
	for _, v := range m.Volumes {
		r.bytes += v.Bytes
	}
	r.Progress.Total(r.bytes)
	var last error
	for _, s := range r.sources {
		if s.err != nil {
			continue
		}
		err := r.read(ctx, s, m)
		if err == nil || ctx.Err() != nil {
			return err
		}
		var damaged *unreadableError
		if !errors.As(err, &damaged) {
			return err
		}
		s.err, last = damaged.error, damaged.error
		_, message := reasonOf(damaged.error)
		r.Log.Warn("the location cannot be read; the next is tried", "location", s.location.Name, "error", message)
	}
	return last
}

// verify compares what the new database holds with the manifest. It was given dump, which is what the manifest says.
func (r *restore) verify(ctx context.Context, m manifest.Manifest, dump database.Content) error {
	loaded, err := r.loaded(ctx, dump)
	if err != nil {
		return fail(ReasonVerifyFailed, err)
	}
	r.content = loaded
	if differences := contentOf(m).Differences(loaded, maxDifferences); len(differences) > 0 {
		return failf(ReasonVerifyFailed, "the restored database is not what was backed up: %s", strings.Join(differences, "; "))
	}
	return nil
}

func (r *restore) loaded(ctx context.Context, dump database.Content) (database.Content, error) {
	if r.asked.ReadBack {
		return database.Loaded(ctx, r.server)
	}
	return database.Counted(ctx, r.server, dump)
}

func contentOf(m manifest.Manifest) database.Content {
	c := database.Content{Bytes: m.Database.Bytes}
	for _, t := range m.Database.Tables {
		c.Tables = append(c.Tables, database.Table(t))
	}
	return c
}
