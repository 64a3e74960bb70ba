package validate_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/validate"
)

// world is an environment, and what there is to see around it.
type world struct {
	env  *v1alpha1.CRMEnvironment
	seen facts.Environment
}

func newWorld(change func(*world)) world {
	w := world{env: build.Environment("acme", "prod"), seen: facts.Environment{Tenant: build.Tenant("acme"), Class: build.Class()}}
	change(&w)
	return w
}

func limits(l v1alpha1.TenantLimits) func(*world) {
	return func(w *world) { w.seen.Tenant.Spec.Limits = &l }
}

func TestAnEnvironmentThatMayNotBeSaysWhyAndWhatToDo(t *testing.T) {
	quantity := func(s string) *resource.Quantity { return build.Pointer(resource.MustParse(s)) }
	sibling := facts.Sibling{Environment: *build.Environment("acme", "test"), Class: build.Class()}
	const waiting, invalid = true, false
	cases := map[string]struct {
		change func(*world)
		waits  bool
		reason string
		want   []string
	}{
		"it is not in a home namespace": {
			func(w *world) { w.env.Namespace = "default" }, invalid,
			v1alpha1.ReasonHomeNamespaceUnknown, []string{"metadata.namespace", `"default"`, "CRMTenant's status"},
		},
		"it is in a workload namespace": {
			func(w *world) { w.env.Namespace = "crm-acme--prod" }, invalid,
			v1alpha1.ReasonHomeNamespaceUnknown, []string{"metadata.namespace"},
		},
		"its tenant does not exist": {
			func(w *world) { w.seen.Tenant = nil }, waiting,
			v1alpha1.ReasonTenantNotReady, []string{`"acme" does not exist`, "ask the platform"},
		},
		"its tenant is being deleted": {
			func(w *world) { w.seen.Tenant.DeletionTimestamp = build.Pointer(metav1.Unix(1, 0)) }, waiting,
			v1alpha1.ReasonTenantNotReady, []string{`"acme" is being deleted`},
		},
		"its class does not exist": {
			func(w *world) { w.seen.Class = nil }, waiting,
			v1alpha1.ReasonClassNotFound, []string{"spec.classRef", `"demo"`, "kubectl get crmclasses"},
		},
		"its class is wrong, which is not its own fault": {
			func(w *world) { w.seen.Class.Spec.Files[0].Template = "${wrong}" }, waiting,
			v1alpha1.ReasonClassInvalid, []string{"spec.classRef", "must be mended by the platform: spec.files[0].template"},
		},
		"its tenant may not use the class": {
			limits(v1alpha1.TenantLimits{Classes: []string{"tryton", "odoo"}}), invalid,
			v1alpha1.ReasonNotAllowed, []string{"spec.classRef", `"demo"`, "tryton, odoo"},
		},
		"its tenant may not use the purpose": {
			limits(v1alpha1.TenantLimits{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeProduction}}), invalid,
			v1alpha1.ReasonNotAllowed, []string{"spec.purpose", "Test", "Production"},
		},
		"another has the host name, and whose it is stays untold": {
			func(w *world) { w.env.Spec.Hostname, w.seen.HostnameHolder = "crm.acme.example", "crm-globex/prod" }, waiting,
			v1alpha1.ReasonHostnameTaken, []string{"spec.hostname", `"crm.acme.example"`, "choose another"},
		},
		"the host name is in another's domain": {
			func(w *world) {
				w.env.Spec.Hostname, w.seen.Tenant.Spec.HostnameDomains = "crm.globex.example", []string{"acme.example", "acme.test"}
			}, invalid,
			v1alpha1.ReasonHostnameForbidden, []string{"spec.hostname", "acme.example, acme.test"},
		},
		"the host name only ends like the tenant's domain": {
			func(w *world) {
				w.env.Spec.Hostname, w.seen.Tenant.Spec.HostnameDomains = "crm.notacme.example", []string{"acme.example"}
			}, invalid,
			v1alpha1.ReasonHostnameForbidden, []string{"spec.hostname"},
		},
		"the host name is another environment's Service": {
			func(w *world) { w.env.Spec.Hostname = "database.crm-globex--prod.svc" }, invalid,
			v1alpha1.ReasonHostnameForbidden, []string{"spec.hostname", "inside the cluster"},
		},
		"the host name is another environment's Service in full": {
			func(w *world) { w.env.Spec.Hostname = "web.crm-globex--prod.svc.cluster.local" }, invalid,
			v1alpha1.ReasonHostnameForbidden, []string{"spec.hostname", "inside the cluster"},
		},
		"data of its name was retained in an external database": {
			func(w *world) { w.seen.DataElsewhere = true }, invalid,
			v1alpha1.ReasonDataElsewhere, []string{"spec.database: ", "outside the cluster", "declare it with spec.database.external"},
		},
		"data of its name was retained in a database of its own": {
			func(w *world) {
				w.seen.DataElsewhere, w.env.Spec.Database = true, &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{}}
			}, invalid,
			v1alpha1.ReasonDataElsewhere, []string{"spec.database: ", "inside the cluster", "declare it without spec.database.external"},
		},
		"the tenant has as many environments as it may": {
			func(w *world) {
				limits(v1alpha1.TenantLimits{Environments: build.Pointer[int32](1)})(w)
				w.seen.Siblings = []facts.Sibling{sibling}
			}, waiting,
			v1alpha1.ReasonLimitExceeded, []string{"1 environments and has 1 others", "spec.limits.environments"},
		},
		"the tenant may have no environment": {
			limits(v1alpha1.TenantLimits{Environments: build.Pointer[int32](0)}), waiting,
			v1alpha1.ReasonLimitExceeded, []string{"0 environments"},
		},
		"it is too much CPU alone": {
			limits(v1alpha1.TenantLimits{CPU: quantity("299m")}), waiting,
			v1alpha1.ReasonLimitExceeded, []string{"spec.size", "300m of cpu", "299m", "spec.limits.cpu"},
		},
		"it is too much memory together with another": {
			func(w *world) {
				limits(v1alpha1.TenantLimits{Memory: quantity("1023Mi")})(w)
				w.seen.Siblings = []facts.Sibling{sibling}
			}, waiting,
			v1alpha1.ReasonLimitExceeded, []string{"1Gi of memory", "1023Mi", "spec.limits.memory"},
		},
		"it asks for less than nothing": {
			func(w *world) {
				w.env.Spec.Resources = &v1alpha1.EnvironmentResources{
					Components: []v1alpha1.ComponentSize{{Name: "web", Resources: &v1alpha1.ComputeResources{CPU: quantity("-4")}}},
					Database:   &v1alpha1.DatabaseSize{Storage: quantity("0")},
				}
			}, invalid,
			v1alpha1.ReasonInvalid, []string{"spec.resources.components[0].resources.cpu", "spec.resources.database.storage", "more than 0"},
		},
		"a neighbour that runs asks for less than nothing since": {
			func(w *world) {
				limits(v1alpha1.TenantLimits{CPU: quantity("299m")})(w)
				other := *build.Environment("acme", "test", func(e *v1alpha1.CRMEnvironment) {
					e.Status.Namespace = "crm-acme--test"
					e.Spec.Resources = &v1alpha1.EnvironmentResources{
						Database: &v1alpha1.DatabaseSize{Resources: &v1alpha1.ComputeResources{CPU: quantity("-100")}},
					}
				})
				w.seen.Siblings = []facts.Sibling{{Environment: other, Class: build.Class()}}
			}, waiting,
			v1alpha1.ReasonLimitExceeded, []string{"environment test", "is not known until its declaration", "spec.resources.database"},
		},
		"a neighbour runs whose class has a size of less than nothing since": {
			func(w *world) {
				limits(v1alpha1.TenantLimits{CPU: quantity("299m")})(w)
				other := *build.Environment("acme", "test", func(e *v1alpha1.CRMEnvironment) { e.Status.Namespace = "crm-acme--test" })
				class := build.Class(func(c *v1alpha1.CRMClass) {
					c.Spec.Sizes[0].Database.Resources = &v1alpha1.ComputeResources{CPU: quantity("-100")}
				})
				w.seen.Siblings = []facts.Sibling{{Environment: other, Class: class}}
			}, waiting,
			v1alpha1.ReasonLimitExceeded, []string{"environment test", "CRMClass demo: spec.sizes[0].database.resources.cpu: must be more than 0"},
		},
		"a neighbour that runs names a version that there is not": {
			func(w *world) {
				limits(v1alpha1.TenantLimits{Storage: quantity("9Gi")})(w)
				other := *build.Environment("acme", "test", func(e *v1alpha1.CRMEnvironment) {
					e.Status.Namespace, e.Spec.Version = "crm-acme--test", "9.9"
				})
				w.seen.Siblings = []facts.Sibling{{Environment: other, Class: build.Class()}}
			}, waiting,
			v1alpha1.ReasonLimitExceeded, []string{"environment test", "spec.version"},
		},
		"it is too much storage": {
			limits(v1alpha1.TenantLimits{Storage: quantity("2Gi")}), waiting,
			v1alpha1.ReasonLimitExceeded, []string{"3Gi of storage"},
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(c.change)
			_, err := validate.Environment(build.Settings(), w.env, &w.seen)
			reason, message := "", ""
			if wait, ok := outcome.AsWaiting(err); ok {
				reason, message = wait.Reason, wait.Message
				assert.True(t, c.waits, "waits: %v", err)
				assert.Positive(t, wait.After)
			} else if invalid, ok := outcome.AsInvalid(err); ok {
				reason, message = invalid.Reason, invalid.Message
				assert.False(t, c.waits, "invalid: %v", err)
			}
			assert.Equal(t, c.reason, reason)
			for _, part := range c.want {
				assert.Contains(t, message, part)
			}
			assert.NotContains(t, message, "globex/prod", "one tenant is not told about another")
		})
	}
}

func TestAnEnvironmentThatMayBe(t *testing.T) {
	quantity := func(s string) *resource.Quantity { return build.Pointer(resource.MustParse(s)) }
	full := facts.Sibling{Environment: *build.Environment("acme", "test"), Class: build.Class()}
	cases := map[string]func(*world){
		"without limits": func(*world) {},
		"exactly at every limit": limits(v1alpha1.TenantLimits{
			Environments: build.Pointer[int32](1), CPU: quantity("300m"), Memory: quantity("512Mi"), Storage: quantity("3Gi"),
			Classes: []string{"demo"}, Purposes: []v1alpha1.Purpose{v1alpha1.PurposeTest},
		}),
		"its host name is the tenant's domain itself": func(w *world) {
			w.env.Spec.Hostname, w.seen.Tenant.Spec.HostnameDomains = "acme.example", []string{"acme.example"}
		},
		"its host name is below one of the tenant's domains": func(w *world) {
			w.env.Spec.Hostname, w.seen.Tenant.Spec.HostnameDomains = "a.crm.acme.test", []string{"acme.example", "acme.test"}
		},
		"an external database counts for nothing": func(w *world) {
			limits(v1alpha1.TenantLimits{CPU: quantity("200m"), Memory: quantity("256Mi"), Storage: quantity("1Gi")})(w)
			w.env.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: "pg.example", CIDR: "192.0.2.0/28"}}
		},
		"a neighbour whose class is gone counts for nothing": func(w *world) {
			limits(v1alpha1.TenantLimits{CPU: quantity("300m")})(w)
			w.seen.Siblings = []facts.Sibling{{Environment: full.Environment}}
		},
		"a neighbour that was never let in counts for nothing when it cannot be": func(w *world) {
			limits(v1alpha1.TenantLimits{CPU: quantity("300m")})(w)
			never := *build.Environment("acme", "test", func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "9.9" })
			w.seen.Siblings = []facts.Sibling{{Environment: never, Class: build.Class()}}
		},
		"it was let in before the limits were lowered": func(w *world) {
			limits(v1alpha1.TenantLimits{Environments: build.Pointer[int32](0), CPU: quantity("1m")})(w)
			w.seen.Siblings = []facts.Sibling{full}
			w.env.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNamespaceReady, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
		},
	}
	for sentence, change := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := newWorld(change)
			_, err := validate.Environment(build.Settings(), w.env, &w.seen)
			assert.NoError(t, err)
		})
	}
}

func TestAnEnvironmentThatAsksForMoreIsCountedAnew(t *testing.T) {
	w := newWorld(limits(v1alpha1.TenantLimits{Environments: build.Pointer[int32](0)}))
	w.env.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionNamespaceReady, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
	w.env.Generation = 2
	_, err := validate.Environment(build.Settings(), w.env, &w.seen)
	wait, ok := outcome.AsWaiting(err)
	require.True(t, ok)
	assert.Equal(t, v1alpha1.ReasonLimitExceeded, wait.Reason)
}

func TestDemandAddsUpEveryReplicaVolumeAndTheDatabase(t *testing.T) {
	w := newWorld(func(w *world) { w.env.Spec.Size = "Medium" })
	resolved, err := validate.Environment(build.Settings(), w.env, &w.seen)
	require.NoError(t, err)
	demand := validate.Demand(&resolved)
	assert.Equal(t, "500m", demand.CPU.String(), "1 web, 3 queue, 1 database")
	assert.Equal(t, "768Mi", demand.Memory.String())
	assert.Equal(t, "3Gi", demand.Storage.String())
}

func TestApproval(t *testing.T) {
	tenant := build.Tenant("acme", func(t *v1alpha1.CRMTenant) {
		t.Spec.Approvals = &v1alpha1.TenantApprovals{Purposes: []v1alpha1.Purpose{v1alpha1.PurposeTest}}
	})
	env := build.Environment("acme", "prod")

	request, err := validate.Approval(build.Tenant("acme"), env)
	require.NoError(t, err, "the tenant does not ask for it")
	assert.Empty(t, request)

	production := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeProduction })
	request, err = validate.Approval(tenant, production)
	require.NoError(t, err, "the tenant does not ask for it for this purpose")
	assert.Empty(t, request)

	request, err = validate.Approval(tenant, env)
	wait, ok := outcome.AsWaiting(err)
	require.True(t, ok)
	assert.Equal(t, v1alpha1.ReasonApprovalRequired, wait.Reason)
	assert.Contains(t, wait.Message, `"approve" on crmenvironments`)
	assert.Contains(t, wait.Message, "kubectl -n crm-acme patch crmenvironment prod")
	assert.Contains(t, wait.Message, request)

	env.Spec.Approval = &v1alpha1.Approval{By: "boss@acme.example", Request: request}
	again, err := validate.Approval(tenant, env)
	require.NoError(t, err)
	assert.Equal(t, request, again)

	env.Spec.Size = "Medium"
	_, err = validate.Approval(tenant, env)
	wait, ok = outcome.AsWaiting(err)
	require.True(t, ok)
	assert.Contains(t, wait.Message, "has changed since boss@acme.example approved it")
}

func TestAnApprovalSpeaksOfWhatMatters(t *testing.T) {
	before := validate.ApprovalRequest(build.Environment("acme", "prod"))
	for field, change := range map[string]func(*v1alpha1.CRMEnvironment){
		"namespace":    func(e *v1alpha1.CRMEnvironment) { e.Namespace = "crm-globex" },
		"name":         func(e *v1alpha1.CRMEnvironment) { e.Name = "prod2" },
		"classRef":     func(e *v1alpha1.CRMEnvironment) { e.Spec.ClassRef.Name = "other" },
		"purpose":      func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = v1alpha1.PurposeStaging },
		"size":         func(e *v1alpha1.CRMEnvironment) { e.Spec.Size = "Large" },
		"resources":    func(e *v1alpha1.CRMEnvironment) { e.Spec.Resources = &v1alpha1.EnvironmentResources{} },
		"hostname":     func(e *v1alpha1.CRMEnvironment) { e.Spec.Hostname = "crm.acme.example" },
		"database":     func(e *v1alpha1.CRMEnvironment) { e.Spec.Database = &v1alpha1.EnvironmentDatabase{} },
		"integrations": func(e *v1alpha1.CRMEnvironment) { e.Spec.Integrations = []v1alpha1.Integration{{Name: "mail"}} },
		"source":       func(e *v1alpha1.CRMEnvironment) { e.Spec.Source = &v1alpha1.EnvironmentSource{} },
	} {
		assert.NotEqual(t, before, validate.ApprovalRequest(build.Environment("acme", "prod", change)), field)
	}
	for field, change := range map[string]func(*v1alpha1.CRMEnvironment){
		"version":        func(e *v1alpha1.CRMEnvironment) { e.Spec.Version = "1.0" },
		"state":          func(e *v1alpha1.CRMEnvironment) { e.Spec.State = v1alpha1.StateQuarantined },
		"ttlSeconds":     func(e *v1alpha1.CRMEnvironment) { e.Spec.TTLSeconds = build.Pointer[int64](60) },
		"deletionPolicy": func(e *v1alpha1.CRMEnvironment) { e.Spec.DeletionPolicy = v1alpha1.DeletionRetain },
		"encryption":     func(e *v1alpha1.CRMEnvironment) { e.Spec.Encryption = &v1alpha1.EnvironmentEncryption{} },
		"approval":       func(e *v1alpha1.CRMEnvironment) { e.Spec.Approval = &v1alpha1.Approval{By: "somebody"} },
		"status":         func(e *v1alpha1.CRMEnvironment) { e.Status.Version = "1.0" },
		"labels":         func(e *v1alpha1.CRMEnvironment) { e.Labels = map[string]string{"a": "b"} },
	} {
		assert.Equal(t, before, validate.ApprovalRequest(build.Environment("acme", "prod", change)), field)
	}
}

func TestAnApprovalOutlivesAnotherSpellingOfTheSameQuantity(t *testing.T) {
	with := func(memory string) *v1alpha1.CRMEnvironment {
		return build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
			e.Spec.Resources = &v1alpha1.EnvironmentResources{
				Database: &v1alpha1.DatabaseSize{Storage: build.Pointer(resource.MustParse(memory))}}
		})
	}
	assert.Equal(t, validate.ApprovalRequest(with("1Gi")), validate.ApprovalRequest(with("1024Mi")))
}

func TestWhatBecomesOfTheDataIsSafeUnlessItIsWritten(t *testing.T) {
	for purpose, want := range map[v1alpha1.Purpose]v1alpha1.DeletionPolicy{
		v1alpha1.PurposeProduction:  v1alpha1.DeletionRetain,
		v1alpha1.PurposeStaging:     v1alpha1.DeletionDelete,
		v1alpha1.PurposeTest:        v1alpha1.DeletionDelete,
		v1alpha1.PurposeDevelopment: v1alpha1.DeletionDelete,
		v1alpha1.PurposeSandbox:     v1alpha1.DeletionDelete,
	} {
		env := build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) { e.Spec.Purpose = purpose })
		assert.Equal(t, want, validate.DeletionPolicy(env), purpose)
		for _, written := range []v1alpha1.DeletionPolicy{v1alpha1.DeletionRetain, v1alpha1.DeletionDelete, v1alpha1.DeletionShred} {
			env.Spec.DeletionPolicy = written
			assert.Equal(t, written, validate.DeletionPolicy(env), purpose)
		}
	}
}
