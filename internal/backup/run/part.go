package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/repository"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// patience is how long a location may take no data before the others go on without it.
var patience = 5 * time.Minute

// part is one location's part of a backup. One that has failed takes no more part.
type part struct {
	location   config.Location
	repository *repository.Repository
	database   restic.Snapshot
	volumes    []restic.Snapshot
	problems   []string
	err        error
}

func (p *part) snapshots() []restic.Snapshot {
	return append([]restic.Snapshot{p.database}, p.volumes...)
}

func (p *part) added() (bytes int64) {
	for _, s := range p.snapshots() {
		bytes += s.Added
	}
	return bytes
}

// record of the part in the manifest.
func (p *part) record() manifest.Location {
	l := manifest.Location{
		Name: p.location.Name, Repository: p.location.Prefix, Password: p.repository.Unwrapped.Wrapped,
		Database: p.database.ID, BytesAdded: p.added(),
	}
	for _, v := range p.volumes {
		l.Volumes = append(l.Volumes, v.ID)
	}
	return l
}

// shortID is how many characters of a snapshot's ID a result shows, as restic does.
const shortID = 8

func (p *part) result() result.Location {
	l := result.Location{Name: p.location.Name, Problems: p.problems}
	if p.err != nil {
		_, l.Message = reasonOf(p.err)
		return l
	}
	l.BytesAdded = p.added()
	for _, s := range p.snapshots() {
		l.Snapshots = append(l.Snapshots, s.ID[:shortID])
	}
	return l
}

// parts of a backup, in the order of the configuration.
type parts []*part

func partsOf(locations []config.Location) parts {
	var all parts
	for _, l := range locations {
		all = append(all, &part{location: l})
	}
	return all
}

// left are those that have not failed.
func (all parts) left() parts {
	return slices.DeleteFunc(slices.Clone(all), func(p *part) bool { return p.err != nil })
}

// errors of those that have failed.
func (all parts) errors() (errs []error) {
	for _, p := range all {
		if p.err != nil {
			errs = append(errs, p.err)
		}
	}
	return errs
}

// fail gives all that are left the error.
func (all parts) fail(err error) {
	for _, p := range all.left() {
		p.err = err
	}
}

// each does something with all that are left, at the same time, and keeps the error of each.
func (all parts) each(ctx context.Context, do func(context.Context, *part) error) {
	var group sync.WaitGroup
	for _, p := range all.left() {
		group.Go(func() { p.err = do(ctx, p) })
	}
	group.Wait()
}
