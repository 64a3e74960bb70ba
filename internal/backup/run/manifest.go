package run

import (
	"context"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/keys"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
)

// store signs the manifest and writes it to every location that holds the backup. Only then does it count.
func (b *backup) store(ctx context.Context) ([]byte, error) {
	text, err := b.manifest().Encode()
	if err != nil {
		return nil, err
	}
	signed, err := keys.Sign(ctx, b.Vault, b.Keys, text)
	if err != nil {
		return nil, err
	}
	document, err := manifest.Document(signed)
	if err != nil {
		return nil, err
	}
	b.parts.each(ctx, func(ctx context.Context, p *part) error {
		return p.repository.Store.PutManifest(ctx, b.Backup.ID, document)
	})
	return document, nil
}

func (b *backup) manifest() manifest.Manifest {
	of, left := b.Backup, b.parts.left()
	m := manifest.Manifest{
		ID: of.ID, Tenant: of.Tenant, Environment: of.Environment, Class: of.Class, Version: of.Version, Schedule: of.Schedule,
		StartedAt: b.started.UTC().Format(time.RFC3339), EndedAt: time.Now().UTC().Format(time.RFC3339),
		Key: b.Keys.Name, DataKey: b.dataKey,
		Database: manifest.Database{
			Name: b.Config.Database.Name, ServerVersion: b.content.ServerVersion,
			Bytes: b.content.Bytes, DatabaseBytes: b.content.DatabaseBytes,
			RestrictedBy: b.restrictedBy.Wrapped, Tables: []manifest.Table{},
		},
		Seconds: b.Progress.Seconds(),
	}
	for _, t := range b.content.Tables {
		m.Database.Tables = append(m.Database.Tables, manifest.Table(t))
	}
	for i, name := range b.Volumes {
		v := left[0].volumes[i]
		m.Volumes = append(m.Volumes, manifest.Volume{Name: name, Files: v.Files, Bytes: v.Bytes})
	}
	for _, p := range left {
		m.Locations = append(m.Locations, p.record())
	}
	return m
}
