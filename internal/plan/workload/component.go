package workload

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// defaultStopSeconds is Kubernetes' own.
const defaultStopSeconds int64 = 30

// component plans everything that exists for one component of the class.
func component(t *target.Target, id secrets.Component, c target.Component, run Run) ([]object.Object, error) {
	p, err := componentPod(t, id, c)
	if err != nil {
		return nil, err
	}
	objects := support(t, c.Name, p.config)
	if c.Type == v1alpha1.ComponentWeb {
		objects = append(objects, object.Object{Configuration: service(t, c.Name, "https", 443, config.TLSPort)})
	}
	switch {
	case run.Absent:
		return objects, nil
	case c.Type == v1alpha1.ComponentScheduled:
		return append(objects, object.Object{Configuration: cronJob(p, c, run)}), nil
	}
	return append(objects,
		object.Object{Configuration: disruptionBudget(t, c.Name)},
		object.Object{Configuration: deployment(p, c, run)}), nil
}

func componentPod(t *target.Target, id secrets.Component, c target.Component) (pod, error) {
	p := pod{target: t, component: c.Name, user: t.User, graceSeconds: defaultStopSeconds, restart: corev1.RestartPolicyAlways}
	if c.StopSeconds != nil {
		p.graceSeconds = *c.StopSeconds
	}
	var err error
	port := int32(0)
	if c.Type == v1alpha1.ComponentWeb {
		port = *c.Port
		p.config, err = webConfig(t, id, c)
	} else {
		p.config = applicationConfig(t, id, 0)
	}
	if err != nil {
		return p, err
	}
	command, err := renderCommand(c.Command, Values(t, port))
	if err != nil {
		return p, err
	}
	p.main = p.application(t.Version.Image, c.StopSignal, command).WithResources(podspec.Resources(c.CPU, c.Memory, c.Memory))
	if c.Type == v1alpha1.ComponentWeb {
		p.main.WithReadinessProbe(healthProbe("/ready", 2, 3))
		if c.Liveness != nil {
			p.main.WithLivenessProbe(healthProbe("/live", 10, 6).WithInitialDelaySeconds(30))
		}
	}
	p.mountClassVolumes(c.VolumeMounts, p.main)
	return p, nil
}

// mountClassVolumes gives the application's containers its volumes and the folders that it writes to and nobody keeps.
func (p *pod) mountClassVolumes(mounts []v1alpha1.ClassVolumeMount, containers ...*corev1ac.ContainerApplyConfiguration) {
	mount := func(name, dir string) {
		for _, c := range containers {
			c.WithVolumeMounts(podspec.Mount(name, dir, false))
		}
	}
	for _, m := range mounts {
		p.volumes = append(p.volumes, podspec.Claim(naming.Volume(m.Name), naming.Volume(m.Name)))
		mount(naming.Volume(m.Name), m.MountPath)
	}
	for i, dir := range p.target.Class.WritablePaths {
		name := "writable-" + itoa(int32(i))
		p.volumes = append(p.volumes, podspec.Scratch(name))
		mount(name, dir)
	}
}

func renderCommand(command []string, values map[string]string) ([]string, error) {
	out := make([]string, len(command))
	for i, arg := range command {
		rendered, err := binding.Template(arg).Render(values)
		if err != nil {
			return nil, err
		}
		out[i] = rendered
	}
	return out, nil
}

func deployment(p pod, c target.Component, run Run) *appsv1ac.DeploymentApplyConfiguration {
	t := p.target
	replicas := c.Replicas
	if run.Stopped {
		replicas = 0
	}
	strategy := appsv1ac.DeploymentStrategy().WithType(appsv1.RollingUpdateDeploymentStrategyType).WithRollingUpdate(
		appsv1ac.RollingUpdateDeployment().WithMaxSurge(intstr.FromInt32(1)).WithMaxUnavailable(intstr.FromInt32(0)))
	if t.ExclusiveVolume(c.ClassComponent) != "" { // An old and a new pod could not run side by side.
		strategy = appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)
	}
	return appsv1ac.Deployment(c.Name, t.Namespace).
		WithLabels(objectLabels(t, c.Name)).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(replicas).
			WithRevisionHistoryLimit(2).
			WithStrategy(strategy).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(selector(t, c.Name))).
			WithTemplate(p.template()))
}

func cronJob(p pod, c target.Component, run Run) *batchv1ac.CronJobApplyConfiguration {
	p.restart = corev1.RestartPolicyNever
	t := p.target
	return batchv1ac.CronJob(c.Name, t.Namespace).
		WithLabels(objectLabels(t, c.Name)).
		WithSpec(batchv1ac.CronJobSpec().
			WithSchedule(string(c.Schedule)).
			WithTimeZone("Etc/UTC").
			WithSuspend(run.Stopped).
			WithConcurrencyPolicy(batchv1.ForbidConcurrent).
			WithSuccessfulJobsHistoryLimit(1).
			WithFailedJobsHistoryLimit(2).
			WithStartingDeadlineSeconds(600).
			// Its Jobs are Kubernetes' to make and to delete, and would be pruned as not planned if they said that crmkeep manages them.
			// Without labels of their own they would get those of their pods, which say so.
			WithJobTemplate(batchv1ac.JobTemplateSpec().
				WithLabels(selector(t, c.Name)).
				WithSpec(batchv1ac.JobSpec().WithBackoffLimit(1).WithTemplate(p.template()))))
}
