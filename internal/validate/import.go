package validate

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// mostIDs is how many backups are named to somebody who names one that is not there.
const mostIDs = 20

// Import is where and by whom a manifest that is imported has to be made to be believed.
type Import struct {
	Tenant, Environment string
	// Key is the environment's in Vault, and Trusted the public halves of its evidence key.
	Key     string
	Trusted []ed25519.PublicKey
	// Prefixes are where in each location the environment's repository is, by the location's name.
	Prefixes map[string]string
}

// Imported believes a manifest only if it is the environment's own, by its signature and by all that it says.
func Imported(b *v1alpha1.CRMBackup, document []byte, want Import) (manifest.Manifest, error) {
	m, err := manifest.Read(document, want.Trusted...)
	if err == nil {
		err = want.check(b.Spec.Import.ID, m)
	}
	if err != nil {
		return m, outcome.Reject(v1alpha1.ReasonBackupForged, "spec.import.id: the manifest of %s is not believed: %s", b.Spec.Import.ID, err)
	}
	return m, nil
}

func (i Import) check(id string, m manifest.Manifest) error {
	for _, c := range []struct{ what, want, have string }{
		{"backup", id, m.ID}, {"tenant", i.Tenant, m.Tenant}, {"environment", i.Environment, m.Environment}, {"key", i.Key, m.Key},
	} {
		if c.want != c.have {
			return fmt.Errorf("it is of %s %.100q and not of %q", c.what, c.have, c.want)
		}
	}
	for _, l := range m.Locations {
		if prefix, ok := i.Prefixes[l.Name]; ok && prefix == l.Repository {
			return nil
		}
	}
	return errors.New("it names none of spec.locations with this environment's repository; are they declared under the names that they had?")
}

// NotThere says that no location has the backup, and which there are instead.
func NotThere(b *v1alpha1.CRMBackup, repository string, others []string) error {
	if len(others) == 0 {
		return outcome.Reject(v1alpha1.ReasonBackupNotFound, "spec.import.id: %s has no backup at all below %s; name the locations that have it in spec.locations",
			strings.Join(b.Spec.Locations, ", "), repository)
	}
	shown := others[max(0, len(others)-mostIDs):]
	return outcome.Reject(v1alpha1.ReasonBackupNotFound, "spec.import.id: there is no backup %q below %s. %d are there, the last by name: %s. Make another CRMBackup with one of them",
		b.Spec.Import.ID, repository, len(others), strings.Join(shown, ", "))
}

// Importable are the locations that a backup is imported from. All must be the tenant's to use.
func Importable(b *v1alpha1.CRMBackup, tenant *v1alpha1.CRMTenant, locations map[string]v1alpha1.CRMBackupLocation) ([]v1alpha1.CRMBackupLocation, error) {
	if tenant == nil {
		return nil, outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "the tenant of this namespace does not exist")
	}
	var found []v1alpha1.CRMBackupLocation
	for _, name := range b.Spec.Locations {
		l, ok := locations[name]
		if !ok {
			continue
		}
		if err := Location(tenant, &l); err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		return nil, outcome.Wait(v1alpha1.ReasonLocationNotReady, runPatience, "spec.locations: none of %s exists; see kubectl get crmbackuplocations",
			strings.Join(b.Spec.Locations, ", "))
	}
	return found, nil
}
