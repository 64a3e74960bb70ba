// Package repository opens what an environment has in a location: the store beside the repository, and the repository itself with the
// password that Vault unwraps.
package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
	"github.com/crmkeep/crmkeep/internal/backup/store"
	"github.com/crmkeep/crmkeep/internal/backup/volumes"
)

// memory that the programs of all locations may take together, in bytes. What a run takes besides, and what the kernel counts for the
// programs' own code, fits into 400 MiB with it.
const (
	memory    = 280 << 20
	leastEach = 96 << 20
)

// Repository of an environment in a location.
type Repository struct {
	restic.Repository
	Store *store.Store
	// Unwrapped is the password with its wrapped form.
	Unwrapped keys.Password
}

// Opener opens repositories.
type Opener struct {
	Vault keys.Vault
	Keys  config.Keys
	// Host that snapshots are of: "<tenant>.<environment>".
	Host string
	// Dir is where a location's CA certificates are put for restic.
	Dir string
	// AtOnce is how many programs will run at the same time. Default: 1.
	AtOnce int
}

// Open opens a repository that exists. The error is store.ErrNotFound when there is none.
func (o Opener) Open(ctx context.Context, location config.Location) (*Repository, error) {
	return o.open(ctx, location, func(s *store.Store) (keys.Password, error) {
		file, err := s.Key(ctx)
		if err != nil {
			return keys.Password{}, err
		}
		return o.unwrap(ctx, file)
	})
}

// OpenRecorded opens a repository with the wrapped password that a manifest tells, which is signed and cannot be exchanged.
func (o Opener) OpenRecorded(ctx context.Context, location config.Location, wrapped string) (*Repository, error) {
	return o.open(ctx, location, func(*store.Store) (keys.Password, error) { return keys.Unwrap(ctx, o.Vault, o.Keys, wrapped) })
}

// OpenOrCreate opens a repository, with a new password when there is none.
func (o Opener) OpenOrCreate(ctx context.Context, location config.Location) (*Repository, error) {
	return o.open(ctx, location, func(s *store.Store) (keys.Password, error) {
		file, err := s.Key(ctx)
		if errors.Is(err, store.ErrNotFound) {
			file, err = o.create(ctx, s)
		}
		if err != nil {
			return keys.Password{}, err
		}
		return o.unwrap(ctx, file)
	})
}

// Prepare makes the repository when there is none, and removes locks: runs of one environment exclude each other, so they were left by one
// that died. It tells whether the repository is new.
func (r *Repository) Prepare(ctx context.Context) (created bool, err error) {
	exists, locked, err := r.Store.Repository(ctx)
	switch {
	case err != nil:
		return false, err
	case !exists:
		return true, r.Init(ctx)
	case locked:
		return false, r.Unlock(ctx)
	}
	return false, nil
}

func (o Opener) create(ctx context.Context, s *store.Store) ([]byte, error) {
	password, err := keys.NewPassword(ctx, o.Vault, o.Keys)
	if err != nil {
		return nil, err
	}
	file, err := password.Store(o.Keys)
	if err != nil {
		return nil, err
	}
	return s.CreateKey(ctx, file)
}

func (o Opener) unwrap(ctx context.Context, file []byte) (keys.Password, error) {
	wrapped, err := keys.Stored(file, o.Keys)
	if err != nil {
		return keys.Password{}, err
	}
	return keys.Unwrap(ctx, o.Vault, o.Keys, wrapped)
}

func (o Opener) open(ctx context.Context, location config.Location, key func(*store.Store) (keys.Password, error)) (*Repository, error) {
	credentials, err := store.ReadCredentials(ctx, o.Vault, location)
	if err != nil {
		return nil, err
	}
	s, err := store.New(location, credentials)
	if err != nil {
		return nil, err
	}
	password, err := key(s)
	if err != nil {
		return nil, err
	}
	authorities := ""
	if location.CABundle != "" {
		authorities = filepath.Join(o.Dir, location.Name+".ca.pem")
		if err := os.WriteFile(authorities, []byte(location.CABundle), 0o600); err != nil {
			return nil, fmt.Errorf("location %s: %w", location.Name, err)
		}
	}
	return &Repository{Store: s, Unwrapped: password, Repository: restic.Repository{
		URL: s.RepositoryURL(), Region: location.Region, Password: password.Text,
		AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey,
		CAFile: authorities, VirtualHost: location.VirtualHost, Host: o.Host, Exclude: volumes.Excluded,
		MemoryLimit: max(memory/int64(max(o.AtOnce, 1)), leastEach),
	}}, nil
}
