package validate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/settings"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

func TestARunWaitsForAnotherOfItsEnvironmentAndForRoom(t *testing.T) {
	s := build.Settings(func(s *settings.Settings) { s.Backups.Concurrency, s.Backups.ConcurrencyPerLocation = 3, 2 })
	at := func(namespace, name string, ended bool, locations ...string) facts.Run {
		return facts.Run{Namespace: namespace, Name: name, Ended: ended, Locations: locations}
	}
	for name, c := range map[string]struct {
		runs []facts.Run
		want string
	}{
		"nothing runs":                          {nil, ""},
		"its own Job is there already":          {[]facts.Run{at("crm-a--p", "backup-1", false, "east")}, ""},
		"one that has ended blocks nobody":      {[]facts.Run{at("crm-a--p", "backup-0", true, "east")}, ""},
		"another of the environment":            {[]facts.Run{at("crm-a--p", "restore-0", false)}, v1alpha1.ReasonRunActive},
		"others elsewhere, and room":            {[]facts.Run{at("crm-b--p", "backup-2", false, "east"), at("crm-c--p", "backup-3", false, "west")}, ""},
		"the location is full":                  {[]facts.Run{at("crm-b--p", "backup-2", false, "east"), at("crm-c--p", "backup-3", false, "east")}, v1alpha1.ReasonAtCapacity},
		"another location is full":              {[]facts.Run{at("crm-b--p", "backup-2", false, "west"), at("crm-c--p", "backup-3", false, "west")}, ""},
		"as many as may run, wherever they are": {[]facts.Run{at("crm-b--p", "b", false), at("crm-c--p", "c", false), at("crm-d--p", "d", false)}, v1alpha1.ReasonAtCapacity},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate.Alone("crm-a--p", "backup-1", c.runs)
			if err == nil {
				err = validate.Capacity(s, "backup-1", []string{"east"}, c.runs)
			}
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			w, waiting := outcome.AsWaiting(err)
			require.True(t, waiting, "%v", err)
			assert.Equal(t, c.want, w.Reason)
			assert.Positive(t, w.After)
		})
	}
}
