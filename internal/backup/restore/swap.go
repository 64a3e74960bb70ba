package restore

import (
	"context"
	"errors"

	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/volumes"
)

// swap puts the restored database and files into their places. The database goes first, in one transaction: from then on the restore is
// completed, by this run or by the next of the same name, or undone. It takes seconds, and a stop is obeyed after it.
func (r *restore) swap(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	r.Progress.Stage(result.StageSwap)
	r.touched = true
	if err := database.Swap(ctx, r.server, r.asked.Name); err != nil {
		return errors.Join(fail(ReasonSwapFailed, err), r.discard(ctx))
	}
	if err := r.eachVolume((*volumes.Volume).Swap); err != nil {
		return errors.Join(fail(ReasonSwapFailed, err), r.undo(ctx))
	}
	return nil
}

// undo brings everything back. The database goes last, since it tells how far a restore came.
func (r *restore) undo(ctx context.Context) error {
	r.touched = true
	if err := r.eachVolume((*volumes.Volume).Undo); err != nil {
		return err
	}
	return database.Undo(ctx, r.server, r.asked.Name)
}

// drop removes what was replaced.
func (r *restore) drop(ctx context.Context) error {
	r.touched = true
	return errors.Join(database.Drop(ctx, r.server, r.asked.Name), r.eachVolume((*volumes.Volume).Drop))
}

// discard removes what was loaded and not swapped.
func (r *restore) discard(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	return errors.Join(database.Discard(ctx, r.server), r.eachVolume((*volumes.Volume).Undo))
}

func (r *restore) eachVolume(do func(*volumes.Volume) error) error {
	var all []error
	for _, name := range r.Volumes {
		all = append(all, do(r.volumes[name]))
	}
	return errors.Join(all...)
}
