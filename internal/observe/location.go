package observe

import (
	"context"
	"errors"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// LocationTimeout is for Locations.
const LocationTimeout = 30 * time.Second

// Locations tries out backup locations.
type Locations struct {
	// Vault has the credentials.
	Vault store.Reader
	// Timeout bounds all that is asked of a location at a time.
	Timeout time.Duration
}

// Try tries out a location with an object of that name. An error is a wait for what somebody has to do, in Vault or at the object
// store, which does not tell when it is done.
func (o Locations) Try(ctx context.Context, at config.Location, probe string, lock *store.Lock) error {
	bounded, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	err := o.try(bounded, at, probe, lock)
	failed, ok := errors.AsType[*store.Error](err)
	_, waiting := outcome.AsWaiting(err)
	switch {
	case ok:
		return outcome.Wait(string(failed.Cause), 0, "%s", failed.Message)
	case err != nil && !waiting && bounded.Err() != nil && ctx.Err() == nil:
		return outcome.Wait(v1alpha1.ReasonUnreachable, 0, "%s did not answer within %s", at.Endpoint, o.Timeout)
	}
	return err
}

func (o Locations) try(ctx context.Context, at config.Location, probe string, lock *store.Lock) error {
	credentials, err := store.ReadCredentials(ctx, o.Vault, at)
	if err != nil {
		return err
	}
	s, err := store.New(at, credentials)
	if err != nil {
		return err
	}
	return s.Check(ctx, probe, lock)
}
