// Package adapters lists the adapters of this build.
package adapters

import (
	"maps"
	"slices"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
)

// All adapters, by the names that classes give in spec.adapter.
func All() map[string]access.Adapter {
	return map[string]access.Adapter{
		"nocobase": nocobase.Adapter{},
		"tryton":   tryton.Adapter{},
	}
}

// Names of all adapters, sorted.
func Names() []string { return slices.Sorted(maps.Keys(All())) }
