package backup

import (
	"strings"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/backup/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// ForBackup plans the run that makes a backup, in locations and at repository (see Repository).
func ForBackup(t *target.Target, b *v1alpha1.CRMBackup, locations []v1alpha1.CRMBackupLocation, repository string) []object.Object {
	r := ofEnvironment(t, JobName(b), locations, repository)
	r.of = naming.RunOf(naming.RunBackup, b.Name)
	r.volumes, r.config.Volumes = readVolumes, volumeNames(t)
	r.config.Backup = &config.Backup{
		ID:     ID(b),
		Tenant: t.Tenant, Environment: t.Environment, Class: t.ClassName, Version: t.Current.Name,
		Schedule: b.Labels[naming.LabelSchedule],
	}
	return r.objects()
}

func volumeNames(t *target.Target) []string {
	var names []string
	for _, v := range t.Volumes {
		names = append(names, v.Name)
	}
	return names
}

// JobName is the name of the Job that makes a backup.
func JobName(b *v1alpha1.CRMBackup) string { return naming.Run(naming.RunBackup, string(b.UID)) }

// Care is what is done to the repositories of a schedule.
type Care struct {
	Schedule *v1alpha1.CRMBackupSchedule
	// Forget are the backups that are given up.
	Forget []v1alpha1.CRMBackup
	// ReadData is how much is read back, as config.Care takes it.
	ReadData   string
	Locations  []v1alpha1.CRMBackupLocation
	Repository string
}

// CareJob is the name of the Job that cares for a schedule's repositories. There is one at a time.
func CareJob(s *v1alpha1.CRMBackupSchedule) string { return naming.Run(naming.RunCare, string(s.UID)) }

// ForCare plans the run that forgets backups of a schedule and reads the repositories back.
func ForCare(t *target.Target, c Care) []object.Object {
	r := ofEnvironment(t, CareJob(c.Schedule), c.Locations, c.Repository)
	r.of = naming.RunOf(naming.RunCare, c.Schedule.Name)
	r.config.Care = &config.Care{ReadData: c.ReadData}
	var names []string
	for i := range c.Forget {
		names = append(names, c.Forget[i].Name)
		r.config.Care.Forget = append(r.config.Care.Forget, ID(&c.Forget[i]))
	}
	r.annotations = map[string]string{naming.AnnotationForget: strings.Join(names, ",")}
	return r.objects()
}

// ofEnvironment is a run with the rights of a backup.
func ofEnvironment(t *target.Target, job string, list []v1alpha1.CRMBackupLocation, repository string) run {
	a := workload.AccessOf(t, naming.ComponentBackup)
	r := run{target: t, name: job, component: naming.ComponentBackup, serviceAccount: a.ServiceAccount, locations: list, repository: repository}
	r.config = config.Config{
		Vault: a.Vault, Certificate: a.Certificate, Database: database(t, a),
		Keys:      keys(t, t.Namespace),
		Locations: locations(t, repository, list),
	}
	key, evidence := layout.EncryptionKeyName(t.Namespace), layout.EvidenceKeyName(t.Namespace)
	r.config.Keys.DataKeyPath = t.Vault.TransitPath("datakey/plaintext", key)
	r.config.Keys.SignPath = t.Vault.TransitPath("sign", evidence)
	r.config.Keys.WrappedPath = a.WrappedDataKey
	return r
}

// keys are those of the environment that the backups are of, which reading needs.
func keys(t *target.Target, source string) config.Keys {
	return config.Keys{
		Name:         layout.EncryptionKeyName(source),
		DecryptPath:  t.Vault.DecryptPath(layout.EncryptionKeyName(source)),
		EvidencePath: t.Vault.TransitPath("keys", layout.EvidenceKeyName(source)),
	}
}

func database(t *target.Target, a workload.Access) config.Database {
	return config.Database{
		Address: a.Database.Address, ServerName: a.Database.ServerName, CABundle: a.Database.CABundle,
		Name: t.Class.Database.Name, User: a.DatabaseUser,
	}
}
