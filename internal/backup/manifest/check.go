package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

const (
	maxName      = 253
	maxLocations = 16
	maxVolumes   = 64
)

var (
	idPattern       = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$`)
	snapshotPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	wrappedPattern  = regexp.MustCompile(`^vault:v[1-9][0-9]{0,9}:[A-Za-z0-9+/=]{1,500}$`)
)

// ValidID tells whether a backup may have the ID: lower-case letters, digits and hyphens, at most 100. It is part of names in a bucket.
func ValidID(id string) bool { return idPattern.MatchString(id) }

// check refuses what no run writes, so that a reader need not doubt any value.
func (m Manifest) check() error {
	if m.Kind != Kind || m.Format != Format {
		return fmt.Errorf("kind %.40q, format %d: this crmkeep reads %s, format %d", m.Kind, m.Format, Kind, Format)
	}
	if !ValidID(m.ID) {
		return errors.New("id: not lower-case letters, digits and hyphens")
	}
	for field, value := range map[string]string{
		"tenant": m.Tenant, "environment": m.Environment, "class": m.Class, "version": m.Version, "key": m.Key, "database.name": m.Database.Name,
	} {
		if value == "" || len(value) > maxName {
			return fmt.Errorf("%s: must have 1 to %d bytes", field, maxName)
		}
	}
	for _, moment := range []string{m.StartedAt, m.EndedAt} {
		if _, err := time.Parse(time.RFC3339, moment); err != nil {
			return errors.New("startedAt, endedAt: not in RFC 3339")
		}
	}
	if m.DataKey != "" && !wrappedPattern.MatchString(m.DataKey) {
		return errors.New("dataKey: not wrapped by Vault")
	}
	return errors.Join(m.Database.check(), checkVolumes(m.Volumes), m.checkLocations())
}

func (d Database) check() error {
	if d.Bytes < 0 || d.DatabaseBytes < 0 {
		return errors.New("database: a size is negative")
	}
	if !wrappedPattern.MatchString(d.RestrictedBy) {
		return errors.New("database.restrictedBy: not wrapped by Vault")
	}
	seen := map[string]bool{}
	for i, t := range d.Tables {
		if t.Name == "" || seen[t.Name] || t.Rows < 0 || !snapshotPattern.MatchString(t.Digest) {
			return fmt.Errorf("database.tables[%d]: needs a name of its own, rows and a digest", i)
		}
		seen[t.Name] = true
	}
	return nil
}

func checkVolumes(volumes []Volume) error {
	if len(volumes) > maxVolumes {
		return fmt.Errorf("volumes: more than %d", maxVolumes)
	}
	seen := map[string]bool{}
	for i, v := range volumes {
		if v.Name == "" || seen[v.Name] || v.Files < 0 || v.Bytes < 0 {
			return fmt.Errorf("volumes[%d]: needs a name of its own and sizes", i)
		}
		seen[v.Name] = true
	}
	return nil
}

func (m Manifest) checkLocations() error {
	if len(m.Locations) == 0 || len(m.Locations) > maxLocations {
		return fmt.Errorf("locations: must be 1 to %d", maxLocations)
	}
	seen := map[string]bool{}
	for i, l := range m.Locations {
		if seen[l.Name] {
			return fmt.Errorf("locations[%d]: is there twice", i)
		}
		if err := l.check(len(m.Volumes)); err != nil {
			return fmt.Errorf("locations[%d]: %w", i, err)
		}
		seen[l.Name] = true
	}
	return nil
}

func (l Location) check(volumes int) error {
	if l.Name == "" || l.Repository == "" || l.BytesAdded < 0 || !wrappedPattern.MatchString(l.Password) {
		return errors.New("needs a name, a repository and a wrapped password")
	}
	if len(l.Volumes) != volumes {
		return fmt.Errorf("has %d snapshots of %d volumes", len(l.Volumes), volumes)
	}
	for _, snapshot := range l.Snapshots() {
		if !snapshotPattern.MatchString(snapshot) {
			return errors.New("a snapshot is not SHA-256 in hexadecimal")
		}
	}
	return nil
}
