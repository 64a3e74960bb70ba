package workload

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/object"
	"github.com/crmkeep/crmkeep/internal/plan/podspec"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
)

// hasChecks tells whether checks run in the environment. Only drills have their identity, so that others cost Vault nothing for it.
func hasChecks(t *target.Target) bool {
	return t.Purpose == v1alpha1.PurposeDrill && len(t.Class.Checks) > 0
}

// checkIdentity may do what a migration may: checks log in to the product, too.
func checkIdentity(t *target.Target) secrets.Component {
	i := identity(naming.ComponentCheck)
	i.NeedsDataKey, i.NeedsAdmin, i.NeedsAdapter = t.Class.DataKey != nil, t.Class.Admin != nil, t.Class.Adapter != ""
	return i
}

// checkConfig is a migration's, and gives the CA to requests.
func checkConfig(t *target.Target) config.Config {
	c := applicationConfig(t, checkIdentity(t), *t.WebComponent().Port)
	c.Certificate.WriteFiles = true
	return c
}

func checkSupport(t *target.Target) []object.Object {
	if !hasChecks(t) {
		return nil
	}
	return support(t, naming.ComponentCheck, checkConfig(t))
}

// CheckContainer is the name of the container of a check.
func CheckContainer(check string) string { return "check-" + check }

// requestCommand is the subcommand that makes a request, so what it says is not the product's.
const requestCommand = "check"

// IsRequest tells whether a container of the pod of checks is one that makes a request, and not one of the product.
func IsRequest(c corev1.Container) bool {
	return slices.Equal(c.Command, []string{crmkeepProgram}) && len(c.Args) > 0 && c.Args[0] == requestCommand
}

// CheckPod plans the pod that makes the class's checks, which must be some: each is a container, all but the last as init containers, so
// that Kubernetes itself keeps their order and tells which failed and how long each took. The error is about a template of the class.
func CheckPod(t *target.Target) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	web := t.WebComponent()
	p := pod{
		target: t, component: naming.ComponentCheck, config: checkConfig(t), user: t.User,
		graceSeconds: migrationStopSeconds, restart: corev1.RestartPolicyNever,
	}
	values := Values(t, *web.Port)
	var ofProduct, all []*corev1ac.ContainerApplyConfiguration
	for _, check := range t.Class.Checks {
		c, err := p.check(check, values)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if check.HTTP == nil {
			ofProduct = append(ofProduct, c.WithResources(podspec.Resources(web.CPU, web.Memory, web.Memory)))
		}
	}
	p.mountClassVolumes(web.VolumeMounts, ofProduct...)
	p.inits, p.main = all[:len(all)-1], all[len(all)-1]
	template := p.template()
	if beside := Beside(t); beside != nil {
		template.Spec.WithAffinity(beside)
	}
	return template, nil
}

func (p pod) check(check v1alpha1.ClassCheck, values map[string]string) (*corev1ac.ContainerApplyConfiguration, error) {
	name := CheckContainer(check.Name)
	if check.HTTP != nil {
		args, err := p.httpCheck(check.HTTP, values)
		if err != nil {
			return nil, err
		}
		return p.crmkeep(name, args...).
			// The log of this program holds nothing of the answer, and is gone with the drill.
			WithTerminationMessagePolicy(corev1.TerminationMessageFallbackToLogsOnError).
			WithVolumeMounts(podspec.Mount(volumeFiles, config.FilesDir, true)), nil
	}
	command, err := renderCommand(check.Command, values)
	if err != nil {
		return nil, err
	}
	return p.application(p.target.Version.Image, "", command).WithName(name), nil
}

// httpCheck are the arguments of the request to the Web component, none of which is secret.
func (p pod) httpCheck(check *v1alpha1.HTTPCheck, values map[string]string) ([]string, error) {
	request, err := probe(check, 0, values)
	if err != nil {
		return nil, err
	}
	host := naming.ServiceHost(p.target.WebComponent().Name, p.target.Namespace)
	args := []string{requestCommand, "http", "--server=" + host}
	for _, flag := range []struct{ name, value string }{
		{"path", request.Path}, {"method", request.Method}, {"content-type", check.ContentType}, {"body", request.Body}, {"contains", request.BodyContains},
	} {
		if flag.value != "" {
			args = append(args, "--"+flag.name+"="+flag.value)
		}
	}
	if request.Status != 0 {
		args = append(args, "--status="+itoa(request.Status))
	}
	return args, nil
}
