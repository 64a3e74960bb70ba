package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/job"
	"github.com/crmkeep/crmkeep/internal/backup/repository"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/result"
	"github.com/crmkeep/crmkeep/internal/backup/store"
)

// forget removes backups from a repository: first the manifests, so that a backup without its data never counts.
func forget(ctx context.Context, r *repository.Repository, ids ...string) error {
	var tags []string
	for _, id := range ids {
		if err := r.Store.DeleteManifest(ctx, id); err != nil {
			return err
		}
		tags = append(tags, tag(id))
	}
	return r.Forget(ctx, tags...)
}

// takeCare forgets backups, removes what nothing needs any more, and looks for damage, in one location after the other.
func takeCare(ctx context.Context, j *job.Job) result.Result {
	j.Progress.Stage(result.StageCare)
	for _, id := range j.Care.Forget {
		if err := validID(id); err != nil {
			return result.Result{Reason: ReasonRunFailed, Message: err.Error(), Lasting: true}
		}
	}
	var r result.Result
	var all parts
	opener := repository.Opener{Vault: j.Vault, Keys: j.Keys, Dir: j.ScratchDir}
	for _, location := range j.Locations {
		p := &part{location: location}
		all = append(all, p)
		p.problems, p.err = careFor(ctx, j, opener, p)
		l := result.Location{Name: location.Name, Problems: p.problems}
		if p.err != nil {
			var reason string
			if reason, l.Message = reasonOf(p.err); r.Reason == "" {
				r.Reason, r.Message = reason, fmt.Sprintf("location %s: %s", location.Name, l.Message)
			}
		}
		r.Locations = append(r.Locations, l)
	}
	r.Lasting = lasting(all.errors()...)
	return r
}

// careFor gives the problems that were found.
func careFor(ctx context.Context, j *job.Job, opener repository.Opener, p *part) (problems []string, err error) {
	r, err := opener.Open(ctx, p.location)
	exists, locked := false, false
	if err == nil {
		exists, locked, err = r.Store.Repository(ctx)
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && !exists {
		return nil, mustBeNew(ctx, j, p.location)
	}
	if err == nil && locked {
		err = r.Unlock(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := forgetAndPrune(ctx, r, j.Care.Forget); err != nil {
		return nil, err
	}
	problems, err = r.Check(ctx, j.Care.ReadData)
	if err == nil && len(problems) > 0 {
		err = &restic.Error{Cause: restic.Damaged, Message: problems[0]}
	}
	return problems, err
}

func forgetAndPrune(ctx context.Context, r *repository.Repository, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := forget(ctx, r, ids...); err != nil {
		return err
	}
	return r.Prune(ctx)
}

// mustBeNew tells a location that nothing was ever written to, which needs no care, from one that has lost its repository.
func mustBeNew(ctx context.Context, j *job.Job, location config.Location) error {
	credentials, err := store.ReadCredentials(ctx, j.Vault, location)
	if err != nil {
		return err
	}
	s, err := store.New(location, credentials)
	if err != nil {
		return err
	}
	backups, err := s.Manifests(ctx)
	if err == nil && len(backups) > 0 {
		err = &restic.Error{Cause: restic.Damaged, Message: fmt.Sprintf("the repository of %d backups is gone", len(backups))}
	}
	return err
}
