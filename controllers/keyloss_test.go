package controllers

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/vault"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

func TestAKeyThatWasThereIsNotMadeAnew(t *testing.T) {
	status := func(key, dataKey int64) *v1alpha1.CRMEnvironment {
		return &v1alpha1.CRMEnvironment{Status: v1alpha1.CRMEnvironmentStatus{
			Encryption: &v1alpha1.EncryptionStatus{KeyVersion: key, DataKeyVersion: dataKey},
		}}
	}
	have := func(latest int64, dataKey bool) vault.State {
		s := vault.State{EncryptionKey: &vault.Key{LatestVersion: latest}}
		if dataKey {
			s.DataKey = &vault.DataKey{KeyVersion: latest}
		}
		return s
	}
	want := layout.Layout{EncryptionKey: layout.TransitKey{Name: "key"}, DataKey: layout.DataKey{Path: "data-key", Wanted: true}}
	without := want
	without.DataKey.Wanted = false
	data := &facts.Environment{RecordedVersion: "1.0"}
	for sentence, c := range map[string]struct {
		env  *v1alpha1.CRMEnvironment
		seen *facts.Environment
		want layout.Layout
		have vault.State
		lost string
	}{
		"a new environment gets its keys":                  {&v1alpha1.CRMEnvironment{}, &facts.Environment{}, want, vault.State{}, ""},
		"what is there is there":                           {status(2, 2), data, want, have(2, true), ""},
		"a rotation is no loss":                            {status(2, 2), data, want, have(3, true), ""},
		"a data key that the class wants from now on":      {status(1, 0), data, want, have(1, false), ""},
		"a data key that the class does not want any more": {status(1, 1), data, without, have(1, false), ""},
		"a lost key":                                 {status(1, 1), data, want, vault.State{}, "key key is gone"},
		"a key of an older snapshot":                 {status(3, 3), data, want, have(2, true), "has 2 versions in Vault and had 3"},
		"a lost data key":                            {status(1, 1), data, want, have(1, false), "data key data-key is gone"},
		"a lost key of data that is taken up again":  {&v1alpha1.CRMEnvironment{}, data, want, vault.State{}, "key key is gone"},
		"a lost data key of data that is taken up":   {&v1alpha1.CRMEnvironment{}, data, want, have(1, false), "data key data-key is gone"},
		"a rotated key of data that is taken up":     {&v1alpha1.CRMEnvironment{}, data, want, have(4, true), ""},
		"a key that was lost before the first pass":  {status(0, 0), &facts.Environment{}, want, vault.State{}, ""},
		"both are lost and the key is what is named": {status(1, 1), &facts.Environment{}, want, vault.State{}, "key key is gone"},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := had(c.env, c.seen).lost(c.want, c.have)
			if c.lost == "" {
				assert.NoError(t, err)
				return
			}
			wait, ok := outcome.AsWaiting(err)
			assert.True(t, ok)
			assert.Equal(t, vault.ReasonKeyLost, wait.Reason)
			assert.Contains(t, wait.Message, c.lost)
		})
	}
}
