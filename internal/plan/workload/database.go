package workload

import (
	"path"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

const (
	volumeSocket = "socket"
	volumeData   = "data"
	dataMount    = "/var/lib/crmkeep"
	// dataDir is below the mount: Postgres wants a folder of its own with mode 0700, and a volume's root may hold lost+found.
	dataDir = dataMount + "/pgdata"
	// databaseStopSeconds lets a checkpoint of a large database end.
	databaseStopSeconds int64 = 120
)

// database plans the environment's own Postgres.
func database(t *target.Target, id secrets.Component, run Run) ([]object.Object, error) {
	c, err := databaseConfig(t, id)
	if err != nil {
		return nil, err
	}
	claim := naming.Volume(naming.ComponentDatabase)
	p := pod{
		target: t, component: naming.ComponentDatabase, config: c, user: target.DefaultUser,
		graceSeconds: databaseStopSeconds, restart: corev1.RestartPolicyAlways,
		volumes: []*corev1ac.VolumeApplyConfiguration{
			podspec.Scratch(volumeSocket),
			corev1ac.Volume().WithName(volumeData).WithPersistentVolumeClaim(
				corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(claim)),
		},
	}
	image := t.Settings.Images.Postgres
	p.inits = []*corev1ac.ContainerApplyConfiguration{podspec.Container(p.target.Settings.Images, containerInit, image).
		WithCommand(path.Join(config.BinDir, "crmkeep")).WithArgs("postgres-init", "--data", dataDir).
		WithResources(podspec.Resources(t.Database.CPU, t.Database.Memory, t.Database.Memory)).
		WithVolumeMounts(podspec.Mount(volumeBin, config.BinDir, true), podspec.Mount(volumeData, dataMount, false), podspec.Mount(volumeTmp, "/tmp", false))}
	// SIGTERM waits until every client has left; SIGINT ends their sessions and writes a checkpoint.
	p.main = p.application(image, "SIGINT", []string{
		"postgres", "-D", dataDir, "-c", "config_file=" + path.Join(config.FilesDir, serverconfig.ConfFile),
	}, path.Join(dataDir, "postmaster.pid"), path.Join(socketDir, config.DatabaseSocket+".lock")).
		WithPorts(corev1ac.ContainerPort().WithName("postgres").WithContainerPort(config.DatabasePort).WithProtocol(corev1.ProtocolTCP)).
		WithResources(podspec.Resources(t.Database.CPU, t.Database.Memory, t.Database.Memory)).
		WithReadinessProbe(healthProbe("/ready", 2, 3)).
		WithVolumeMounts(podspec.Mount(volumeData, dataMount, false), podspec.Mount(volumeSocket, socketDir, false))

	objects := support(t, naming.ComponentDatabase, c)
	return append(objects,
		object.Object{Configuration: volumeClaim(t, claim, corev1.ReadWriteOnce, t.Database.Storage), Field: "spec.resources.database.storage"},
		object.Object{Configuration: service(t, naming.ComponentDatabase, "postgres", config.DatabasePort, config.DatabasePort)},
		object.Object{Configuration: disruptionBudget(t, naming.ComponentDatabase)},
		object.Object{Configuration: statefulSet(p, run)}), nil
}

func statefulSet(p pod, run Run) *appsv1ac.StatefulSetApplyConfiguration {
	t := p.target
	replicas := int32(1)
	if run.DatabaseStopped {
		replicas = 0
	}
	return appsv1ac.StatefulSet(naming.ComponentDatabase, t.Namespace).
		WithLabels(objectLabels(t, naming.ComponentDatabase)).
		WithSpec(appsv1ac.StatefulSetSpec().
			WithReplicas(replicas).
			WithServiceName(naming.ComponentDatabase).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(selector(t, naming.ComponentDatabase))).
			WithUpdateStrategy(appsv1ac.StatefulSetUpdateStrategy().WithType(appsv1.RollingUpdateStatefulSetStrategyType)).
			WithTemplate(p.template()))
}
