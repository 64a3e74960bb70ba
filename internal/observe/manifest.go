package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// Manifests reads backups' manifests from locations.
type Manifests struct {
	// Vault has the credentials.
	Vault store.Reader
	// Timeout bounds all that is asked of a location at a time.
	Timeout time.Duration
}

// Find gives the manifest of a backup from the first of the locations that has it, not verified. When none has it, document is nil and
// others are the IDs that they have instead, sorted. An error is a wait for a location that could not be asked.
func (m Manifests) Find(ctx context.Context, locations []config.Location, id string) (document []byte, others []string, err error) {
	var unasked error
	for _, at := range locations {
		document, found, err := m.ask(ctx, at, id)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err != nil:
			unasked = errors.Join(unasked, m.explain(at, err))
		case document != nil:
			return document, nil, nil
		}
		others = append(others, found...)
	}
	slices.Sort(others)
	return nil, slices.Compact(others), unasked
}

func (m Manifests) ask(ctx context.Context, at config.Location, id string) (document []byte, others []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	credentials, err := store.ReadCredentials(ctx, m.Vault, at)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.New(at, credentials)
	if err != nil {
		return nil, nil, err
	}
	if document, err = s.Manifest(ctx, id); !errors.Is(err, store.ErrNotFound) {
		return document, nil, err
	}
	others, err = s.Manifests(ctx)
	return nil, others, err
}

func (m Manifests) explain(at config.Location, err error) error {
	if failed, ok := errors.AsType[*store.Error](err); ok {
		return outcome.Wait(string(failed.Cause), importPatience, "location %s: %s", at.Name, failed.Message)
	}
	if _, waiting := outcome.AsWaiting(err); waiting {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return outcome.Wait(v1alpha1.ReasonUnreachable, importPatience, "location %s: %s did not answer within %s", at.Name, at.Endpoint, m.Timeout)
	}
	return fmt.Errorf("location %s: %w", at.Name, err)
}

// importPatience is when a location that could not be asked is asked again.
const importPatience = 30 * time.Second
