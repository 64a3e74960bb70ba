// Package validate checks what needs more than one object, and so cannot be checked when an object is admitted. It is pure; every
// error names the field, what is wrong with it and the remedy.
package validate

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/accepted"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/settings"
)

// patience is when to look again at what a watch may not tell of.
const patience = time.Minute

// Environment checks an environment against the world and resolves what it leaves open.
func Environment(s settings.Settings, env *v1alpha1.CRMEnvironment, f *facts.Environment) (target.Target, error) {
	if err := references(env, f); err != nil {
		return target.Target{}, err
	}
	if err := allowed(env, f); err != nil {
		return target.Target{}, err
	}
	if err := cmp.Or(externalDatabase(env), retainedElsewhere(env, f)); err != nil {
		return target.Target{}, err
	}
	if err := quantities(env); err != nil {
		return target.Target{}, err
	}
	again := takenUp(env, f)
	if err := neutralisable(again, f.Class); err != nil {
		return target.Target{}, err
	}
	t, err := resolve(s, again, f.Class, f)
	if err != nil {
		return target.Target{}, err
	}
	t.Closed = f.Governed && (target.IsClosed(env) || fallsBehind(env, &t, f))
	return t, limits(s, env, &t, f)
}

// Accepted is what an environment is kept up as while its declaration is refused: what was let in last, in the state that is declared now.
// It is false for one of which nothing was let in. What its tenant may have is not asked again, and nobody is let in who is kept out.
func Accepted(s settings.Settings, env *v1alpha1.CRMEnvironment, f *facts.Environment) (target.Target, bool) {
	if f.Tenant == nil || env.Status.Namespace == "" {
		return target.Target{}, false
	}
	before, class, ok := accepted.Restore(takenUp(env, f), f.Accepted)
	if !ok {
		return target.Target{}, false
	}
	t, err := resolve(s, before, class, f)
	if err != nil {
		return target.Target{}, false
	}
	t.Closed = target.IsClosed(env) || f.Governed && fallsBehind(env, &t, f)
	return t, true
}

func resolve(s settings.Settings, env *v1alpha1.CRMEnvironment, class *v1alpha1.CRMClass, f *facts.Environment) (target.Target, error) {
	t, err := target.Resolve(s, f.Tenant, class, env)
	if err != nil {
		return target.Target{}, err
	}
	return t, fill(env, &t, f.Source)
}

// takenUp is an environment made again, whose database is still there: it goes on from the version that the database is at, and from what
// it was filled with. One that was filled just now is taken up likewise.
func takenUp(env *v1alpha1.CRMEnvironment, f *facts.Environment) *v1alpha1.CRMEnvironment {
	version, source := cmp.Or(env.Status.Version, f.RecordedVersion), cmp.Or(env.Status.Source, f.RecordedSource, filledNow(env, f.Source))
	if version == env.Status.Version && source == env.Status.Source {
		return env
	}
	again := env.DeepCopy()
	again.Status.Version, again.Status.Source = version, source
	return again
}

func references(env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	tenant, ok := naming.TenantOfHome(env.Namespace)
	switch {
	case !ok:
		return outcome.Reject(v1alpha1.ReasonHomeNamespaceUnknown,
			"metadata.namespace: %q is not a tenant's home namespace; declare the environment in the namespace in the CRMTenant's status", env.Namespace)
	case f.Tenant == nil:
		return outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "CRMTenant %q does not exist; ask the platform to declare it", tenant)
	case !f.Tenant.DeletionTimestamp.IsZero():
		return outcome.Wait(v1alpha1.ReasonTenantNotReady, patience, "CRMTenant %q is being deleted; nothing new is made in it", tenant)
	case f.Class == nil:
		return outcome.Wait(v1alpha1.ReasonClassNotFound, patience,
			"spec.classRef: CRMClass %q does not exist; see kubectl get crmclasses for those that do", env.Spec.ClassRef.Name)
	}
	if err := Class(f.Class); err != nil {
		return outcome.Wait(v1alpha1.ReasonClassInvalid, patience, "spec.classRef: CRMClass %q must be mended by the platform: %s",
			f.Class.Name, outcome.Message(err))
	}
	return nil
}

func allowed(env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	tenant := f.Tenant.Spec
	if l := tenant.Limits; l != nil {
		if len(l.Classes) > 0 && !slices.Contains(l.Classes, env.Spec.ClassRef.Name) {
			return outcome.Reject(v1alpha1.ReasonNotAllowed, "spec.classRef: tenant %s may not use class %q; it may use %s",
				f.Tenant.Name, env.Spec.ClassRef.Name, strings.Join(l.Classes, ", "))
		}
		if len(l.Purposes) > 0 && env.Spec.Purpose != v1alpha1.PurposeDrill && !slices.Contains(l.Purposes, env.Spec.Purpose) {
			return outcome.Reject(v1alpha1.ReasonNotAllowed, "spec.purpose: tenant %s may not have environments for %s; it may for %v",
				f.Tenant.Name, env.Spec.Purpose, l.Purposes)
		}
	}
	return hostname(env, f)
}

// clusterDomains end the names of Services. The environment's certificate carries its host name, so one of these would let it pass
// for somebody else's database.
var clusterDomains = []string{".svc", ".cluster.local"}

func hostname(env *v1alpha1.CRMEnvironment, f *facts.Environment) error {
	host := env.Spec.Hostname
	if host == "" {
		return nil
	}
	if f.HostnameHolder != "" {
		return outcome.Wait(v1alpha1.ReasonHostnameTaken, patience,
			"spec.hostname: %q belongs to another environment; choose another name, or have it given up there", host)
	}
	if slices.ContainsFunc(clusterDomains, func(domain string) bool { return strings.HasSuffix(host, domain) }) {
		return outcome.Reject(v1alpha1.ReasonHostnameForbidden,
			"spec.hostname: %q is a name inside the cluster, such as another environment's Service has; choose a name of a public domain", host)
	}
	domains := f.Tenant.Spec.HostnameDomains
	within := func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }
	if len(domains) > 0 && !slices.ContainsFunc(domains, within) {
		return outcome.Reject(v1alpha1.ReasonHostnameForbidden, "spec.hostname: %q is in none of the tenant's domains: %s",
			host, strings.Join(domains, ", "))
	}
	return nil
}

// letIn tells whether this very declaration was accepted before, or one that asks for the same in another state. What runs is not disturbed
// when limits are lowered, or when a neighbour asks for more.
func letIn(env *v1alpha1.CRMEnvironment, f *facts.Environment) bool {
	return target.LetIn(env) == env.Generation || accepted.Is(env, f.Accepted)
}

// limits counts older environments first, so a new one never takes the room of one that runs.
func limits(s settings.Settings, env *v1alpha1.CRMEnvironment, t *target.Target, f *facts.Environment) error {
	l := f.Tenant.Spec.Limits
	if l == nil || letIn(env, f) {
		return nil
	}
	if l.Environments != nil && len(f.Siblings) >= int(*l.Environments) {
		return outcome.Wait(v1alpha1.ReasonLimitExceeded, patience,
			"tenant %s may have %d environments and has %d others; delete one, or ask the platform to raise spec.limits.environments",
			f.Tenant.Name, *l.Environments, len(f.Siblings))
	}
	if l.CPU == nil && l.Memory == nil && l.Storage == nil {
		return nil
	}
	used, err := demandOfSiblings(s, f)
	if err != nil {
		return err
	}
	return within(f.Tenant.Name, l, used.plus(Demand(t)))
}

// demandOfSiblings fails when one that was let in has been edited to what is refused: it may run as it was declared before, and nobody
// knows what that comes to.
func demandOfSiblings(s settings.Settings, f *facts.Environment) (Resources, error) {
	var used Resources
	for i := range f.Siblings {
		sibling := &f.Siblings[i]
		if sibling.Class == nil {
			continue
		}
		env := &sibling.Environment
		other, err := target.Resolve(s, f.Tenant, sibling.Class, env)
		err = cmp.Or(err, quantities(env), quantitiesOfClass(sibling.Class))
		switch {
		case err == nil:
			used = used.plus(Demand(&other))
		case env.Status.Namespace != "":
			return used, outcome.Wait(v1alpha1.ReasonLimitExceeded, patience,
				"tenant %s has limits, and what its environment %s uses is not known until its declaration, or its class, is mended: %s",
				f.Tenant.Name, env.Name, outcome.Message(err))
		}
	}
	return used, nil
}

func within(tenant string, l *v1alpha1.TenantLimits, used Resources) error {
	for _, r := range []struct {
		name  string
		limit *resource.Quantity
		used  resource.Quantity
	}{{"cpu", l.CPU, used.CPU}, {"memory", l.Memory, used.Memory}, {"storage", l.Storage, used.Storage}} {
		if r.limit != nil && r.used.Cmp(*r.limit) > 0 {
			return outcome.Wait(v1alpha1.ReasonLimitExceeded, patience,
				"spec.size: with this environment tenant %s would use %s of %s and may use %s; choose a smaller size, or ask the platform to raise spec.limits.%s",
				tenant, r.used.String(), r.name, r.limit.String(), r.name)
		}
	}
	return nil
}

// Resources that an environment asks for when everything runs.
type Resources struct{ CPU, Memory, Storage resource.Quantity }

// Demand adds up an environment.
func Demand(t *target.Target) Resources {
	var r Resources
	add := func(cpu, memory resource.Quantity, times int32) {
		for range times {
			r.CPU.Add(cpu)
			r.Memory.Add(memory)
		}
	}
	for _, c := range t.Components {
		add(c.CPU, c.Memory, c.Replicas)
	}
	if t.Database.External == nil {
		add(t.Database.CPU, t.Database.Memory, 1)
		r.Storage.Add(t.Database.Storage)
	}
	for _, v := range t.Volumes {
		r.Storage.Add(v.Size)
	}
	return r
}

func (r Resources) plus(o Resources) Resources {
	sum := Resources{CPU: r.CPU.DeepCopy(), Memory: r.Memory.DeepCopy(), Storage: r.Storage.DeepCopy()}
	sum.CPU.Add(o.CPU)
	sum.Memory.Add(o.Memory)
	sum.Storage.Add(o.Storage)
	return sum
}

// Approval checks that somebody has approved what is asked for, when the tenant wants that. The request is empty when it does not.
func Approval(tenant *v1alpha1.CRMTenant, env *v1alpha1.CRMEnvironment) (request string, err error) {
	a := tenant.Spec.Approvals
	if a == nil || env.Spec.Purpose == v1alpha1.PurposeDrill || !slices.Contains(a.Purposes, env.Spec.Purpose) {
		return "", nil
	}
	request = ApprovalRequest(env)
	if env.Spec.Approval != nil && env.Spec.Approval.Request == request {
		return request, nil
	}
	what := "environments for " + string(env.Spec.Purpose) + " need approval"
	if env.Spec.Approval != nil {
		what = "what is asked for has changed since " + env.Spec.Approval.By + " approved it"
	}
	return request, outcome.Wait(v1alpha1.ReasonApprovalRequired, 0,
		"%s. Somebody with the verb \"approve\" on crmenvironments, such as a holder of ClusterRole crmkeep-approver, runs: "+
			"kubectl -n %s patch crmenvironment %s --type=merge -p '{\"spec\":{\"approval\":{\"by\":\"THEIR-USER-NAME\",\"request\":\"%s\"}}}'",
		what, env.Namespace, env.Name, request)
}

// ApprovalRequest is a digest of what an approval speaks of.
func ApprovalRequest(env *v1alpha1.CRMEnvironment) string {
	asked, err := json.Marshal([]any{
		env.Namespace, env.Name, env.Spec.ClassRef, env.Spec.Purpose, env.Spec.Size, env.Spec.Resources, env.Spec.Hostname,
		env.Spec.Database, env.Spec.Integrations, env.Spec.Source,
	})
	if err != nil {
		panic(err) // Plain values: cannot happen.
	}
	return naming.Hash(string(asked))
}

// DeletionPolicy is what is declared, or what is safe. Of a drill nothing is ever kept.
func DeletionPolicy(env *v1alpha1.CRMEnvironment) v1alpha1.DeletionPolicy {
	switch env.Spec.Purpose {
	case v1alpha1.PurposeDrill:
		return v1alpha1.DeletionShred
	case v1alpha1.PurposeProduction:
		return cmp.Or(env.Spec.DeletionPolicy, v1alpha1.DeletionRetain)
	}
	return cmp.Or(env.Spec.DeletionPolicy, v1alpha1.DeletionDelete)
}
