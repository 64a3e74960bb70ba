package workload

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

const (
	// migrationAttempts besides the first: the database may go away under one, and migrations are safe to run again.
	migrationAttempts       int32 = 2
	defaultMigrationSeconds int64 = 3600
	migrationStopSeconds    int64 = 60
)

// Names of the containers of a migration that makes a copy harmless.
const (
	containerMigrate    = "migrate"
	containerNeutralise = "neutralise"
)

// MigrationJob is the name of the Job that takes the database to the wanted version. It changes with the version, its image and
// the commands, so a mended class is tried again by itself.
func MigrationJob(t *target.Target) string {
	parts := append([]string{t.Version.Name, t.Version.Image}, t.Class.Migration.Command...)
	if t.Neutralises() {
		parts = append(append(parts, containerNeutralise), t.Class.Neutralise.Command...)
	}
	return naming.MigrationJob(strings.Join(parts, "\x00"))
}

// Fields of the version record. Those of the source are of a copy.
const (
	VersionField       = "version"
	SourceField        = "source"
	SourceVersionField = "sourceVersion"
	// DatabaseField is there when the database is not the environment's own.
	DatabaseField    = "database"
	DatabaseExternal = "External"
)

// versionRecord remembers the version of the database, and what it was filled with, where a teardown that retains data leaves it.
func versionRecord(t *target.Target) *corev1ac.ConfigMapApplyConfiguration {
	data := map[string]string{VersionField: t.Current.Name}
	if t.Filled != nil {
		data[SourceField], data[SourceVersionField] = t.Filled.Backup, t.Filled.Version
	}
	if t.Database.External != nil {
		data[DatabaseField] = DatabaseExternal
	}
	return corev1ac.ConfigMap(naming.VersionRecord, t.Namespace).
		WithLabels(objectLabels(t, naming.ComponentDatabase)).
		WithData(data)
}

// migration plans the identity of the migration and, when it is its turn, the Job.
func migration(t *target.Target, id secrets.Component, run Run) ([]object.Object, error) {
	web := t.WebComponent()
	c := applicationConfig(t, id, *web.Port)
	objects := support(t, naming.ComponentMigrate, c)
	if !run.Migrate {
		return objects, nil
	}
	p := pod{
		target: t, component: naming.ComponentMigrate, config: c, user: t.User,
		graceSeconds: migrationStopSeconds, restart: corev1.RestartPolicyNever,
	}
	commands, err := p.migrationCommands(web)
	if err != nil {
		return nil, err
	}
	p.inits, p.main = commands[:len(commands)-1], commands[len(commands)-1]
	p.mountClassVolumes(web.VolumeMounts, commands...)
	return append(objects, object.Object{Configuration: migrationJob(p), CreateOnly: true}), nil
}

// migrationCommands are the containers of a migration, in order. In a copy the last makes it harmless, in the same pod: nothing of the
// application starts before both have succeeded.
func (p pod) migrationCommands(web target.Component) ([]*corev1ac.ContainerApplyConfiguration, error) {
	t := p.target
	commands := [][]string{t.Class.Migration.Command}
	if t.Neutralises() {
		commands = append(commands, t.Class.Neutralise.Command)
	}
	containers := make([]*corev1ac.ContainerApplyConfiguration, len(commands))
	for i, command := range commands {
		rendered, err := renderCommand(command, Values(t, *web.Port))
		if err != nil {
			return nil, err
		}
		containers[i] = p.application(t.Version.Image, "", rendered).WithResources(podspec.Resources(web.CPU, web.Memory, web.Memory))
	}
	if t.Neutralises() {
		containers[0].WithName(containerMigrate)
		containers[1].WithName(containerNeutralise)
	}
	return containers, nil
}

func migrationJob(p pod) *batchv1ac.JobApplyConfiguration {
	t := p.target
	seconds := defaultMigrationSeconds
	if s := t.Class.Migration.TimeoutSeconds; s != nil {
		seconds = *s
	}
	return batchv1ac.Job(MigrationJob(t), t.Namespace).
		WithLabels(objectLabels(t, naming.ComponentMigrate)).
		WithSpec(batchv1ac.JobSpec().
			WithBackoffLimit(migrationAttempts).
			WithActiveDeadlineSeconds(seconds * int64(migrationAttempts+1)).
			WithTemplate(p.template()))
}
