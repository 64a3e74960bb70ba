package validate

import (
	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// DataLost is why an environment is not started on an empty database in the place of one that had data: the application would fail on
// it or, worse, would not, and nobody would be told of the loss.
func DataLost(t *target.Target) error {
	return outcome.Wait(v1alpha1.ReasonDataLost, patience,
		"PersistentVolumeClaim %s/%s is gone, and with it the database at version %s; crmkeep does not put an empty one in its place. Bring the "+
			"claim back with its data and crmkeep's labels, or delete the environment and declare it again to start anew: its keys, and so its "+
			"backups, are kept unless spec.deletionPolicy is Shred",
		t.Namespace, naming.Volume(naming.ComponentDatabase), t.Current.Name)
}
