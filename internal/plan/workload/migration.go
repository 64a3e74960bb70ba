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

// MigrationJob is the name of the Job that takes the database to the wanted version. It changes with the version, its image and
// the command, so a mended class is tried again by itself.
func MigrationJob(t *target.Target) string {
	parts := append([]string{t.Version.Name, t.Version.Image}, t.Class.Migration.Command...)
	return naming.MigrationJob(strings.Join(parts, "\x00"))
}

// VersionField of the version record.
const VersionField = "version"

// versionRecord remembers the version of the database where a teardown that retains data leaves it.
func versionRecord(t *target.Target) *corev1ac.ConfigMapApplyConfiguration {
	return corev1ac.ConfigMap(naming.VersionRecord, t.Namespace).
		WithLabels(objectLabels(t, naming.ComponentDatabase)).
		WithData(map[string]string{VersionField: t.Current.Name})
}

// migration plans the identity of the migration and, when it is its turn, the Job.
func migration(t *target.Target, id secrets.Component, run Run) ([]object.Object, error) {
	web := t.WebComponent()
	c := applicationConfig(t, id, *web.Port)
	objects := support(t, naming.ComponentMigrate, c)
	if !run.Migrate {
		return objects, nil
	}
	command, err := renderCommand(t.Class.Migration.Command, Values(t, *web.Port))
	if err != nil {
		return nil, err
	}
	p := pod{
		target: t, component: naming.ComponentMigrate, config: c, user: t.User,
		graceSeconds: migrationStopSeconds, restart: corev1.RestartPolicyNever,
	}
	p.main = p.application(t.Version.Image, "", command).WithResources(podspec.Resources(web.CPU, web.Memory, web.Memory))
	p.mountClassVolumes(web.VolumeMounts)
	return append(objects, object.Object{Configuration: migrationJob(p), CreateOnly: true}), nil
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
