package naming_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/crmkeep/crmkeep/internal/naming"
)

var (
	longTenant      = "t" + strings.Repeat("9", naming.MaxTenant-1)
	longEnvironment = "e" + strings.Repeat("9", naming.MaxEnvironment-1)
	longComponent   = "c" + strings.Repeat("9", naming.MaxComponent-1)
)

// maxCommonName is X.509's.
const maxCommonName = 64

func TestTheLongestNamesFit(t *testing.T) {
	namespace := naming.WorkloadNamespace(longTenant, longEnvironment)
	for what, name := range map[string]string{
		"home namespace":     naming.HomeNamespace(longTenant),
		"workload namespace": namespace,
		"agent's ConfigMap":  naming.AgentConfig(longComponent),
		"volume":             naming.Volume(strings.Repeat("v", 30)),
		"migration Job":      naming.MigrationJob(strings.Repeat("1", 40)),
		"pull Job":           naming.PullJob(strings.Repeat("1", 300)),
	} {
		assert.Empty(t, validation.IsDNS1123Label(name), "%s %q", what, name)
	}
	assert.LessOrEqual(t, len(naming.CommonName(longTenant, longEnvironment, longComponent)), maxCommonName)
	assert.LessOrEqual(t, len(naming.ServiceHost(longComponent, namespace)), maxCommonName+20)
	assert.Empty(t, validation.IsDNS1123Subdomain(naming.ServiceHost(longComponent, namespace)))
	// A Deployment's pods get two suffixes of their ReplicaSet: "-" and ten characters, "-" and five.
	assert.LessOrEqual(t, len(longComponent)+17, validation.DNS1123LabelMaxLength)
	// A CronJob may have 52 characters: its Jobs get a suffix.
	assert.LessOrEqual(t, len(longComponent), 52)
}

func TestTheNamesOfDrillsFit(t *testing.T) {
	const minute, longest = "202611210300", 52
	long := strings.Repeat("s", 39)
	for _, schedule := range []string{"a", "nightly", long[:33], long[:34], long + "1"} {
		name := naming.Drill(schedule, minute)
		assert.LessOrEqual(t, len(name), longest, name)
		assert.Empty(t, validation.IsDNS1123Label(name), name)
		assert.True(t, allowed(naming.DrillEnvironment(schedule), naming.MaxEnvironment), naming.DrillEnvironment(schedule))
	}
	assert.Equal(t, "nightly-drill-202611210300", naming.Drill("nightly", minute))
	assert.NotEqual(t, naming.Drill(long+"1", minute), naming.Drill(long+"2", minute))
	assert.NotEqual(t, naming.DrillEnvironment("a"), naming.DrillEnvironment("b"))
}

func TestEveryLabelAndFinalizerIsOne(t *testing.T) {
	for _, name := range []string{
		naming.LabelManagedBy, naming.LabelTenant, naming.LabelEnvironment, naming.LabelComponent, naming.LabelNamespace, naming.LabelEvidence,
		naming.AnnotationHash, naming.AnnotationConfigHash, naming.FinalizerEnvironment, naming.FinalizerTenant,
	} {
		assert.Empty(t, validation.IsQualifiedName(name), name)
	}
	assert.Empty(t, validation.IsValidLabelValue(naming.ManagedBy))
}

func TestTheTenantOfAHome(t *testing.T) {
	for namespace, want := range map[string]string{
		"crm-acme": "acme", "crm-acme-prod": "acme-prod", "crm-crm-acme": "crm-acme",
		"crm-acme--prod": "", "crm-": "", "crm": "", "default": "", "acme": "", "xcrm-acme": "",
	} {
		tenant, ok := naming.TenantOfHome(namespace)
		assert.Equal(t, want != "", ok, namespace)
		if ok {
			assert.Equal(t, want, tenant, namespace)
			assert.Equal(t, namespace, naming.HomeNamespace(tenant))
		}
	}
}

// allowed is what the kinds' rules let through: see metadata.name in test/api.
func allowed(name string, longest int) bool {
	return len(name) <= longest && !strings.Contains(name, "--") && allowedForm.MatchString(name)
}

var allowedForm = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

func FuzzNoTwoEnvironmentsShareAName(f *testing.F) {
	f.Add("acme", "prod", "acme-prod", "prod")
	f.Add("a", "b-c", "a-b", "c")
	f.Add("a-b", "c", "a", "b-c")
	f.Add("crm", "x", "crm-crm", "x")
	f.Add(longTenant, longEnvironment, longTenant[:23], longEnvironment)
	f.Fuzz(func(t *testing.T, tenant1, environment1, tenant2, environment2 string) {
		for _, tenant := range []string{tenant1, tenant2} {
			if !allowed(tenant, naming.MaxTenant) {
				t.Skip()
			}
		}
		for _, environment := range []string{environment1, environment2} {
			if !allowed(environment, naming.MaxEnvironment) {
				t.Skip()
			}
		}
		w1, w2 := naming.WorkloadNamespace(tenant1, environment1), naming.WorkloadNamespace(tenant2, environment2)
		same := tenant1 == tenant2 && environment1 == environment2
		assert.Equal(t, same, w1 == w2, "namespaces")
		assert.Equal(t, same, naming.CommonName(tenant1, environment1, "web") == naming.CommonName(tenant2, environment2, "web"), "common names")
		assert.NotEqual(t, naming.HomeNamespace(tenant1), w2, "a home is never somebody's workload namespace")
		assert.Empty(t, validation.IsDNS1123Label(w1))
		_, home := naming.TenantOfHome(w1)
		assert.False(t, home, "nobody can declare environments in a workload namespace")
	})
}
