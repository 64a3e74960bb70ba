package status_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/facts"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/plan/workload"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

var (
	now     = metav1.NewTime(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	later   = metav1.NewTime(now.Add(time.Hour))
	up      = facts.Workload{Exists: true, Current: true, Wanted: 1, Replicas: 1, Ready: 1}
	stopped = facts.Workload{Exists: true, Current: true}
)

// moment is what one pass saw and came to.
type moment struct {
	env  *v1alpha1.CRMEnvironment
	seen facts.Environment
	pass status.Pass
	job  *facts.Job
	// pull is the Job that shows that the wanted version's image can be started.
	pull *facts.Job
}

// running is an environment of which everything holds.
func running(change ...func(*moment)) moment {
	m := moment{
		env: build.Environment("acme", "prod", func(e *v1alpha1.CRMEnvironment) {
			e.Generation, e.Spec.Version, e.Status.Version = 3, "1.0", "1.0"
		}),
		seen: facts.Environment{Database: up, Components: map[string]facts.Workload{"web": up, "queue": up}},
		pass: status.Pass{Encryption: &v1alpha1.EncryptionStatus{KeyVersion: 1, MinDecryptionVersion: 1, DataKeyVersion: 1}},
	}
	for _, c := range change {
		c(&m)
	}
	return m
}

func (m *moment) fold(t *testing.T, at metav1.Time) v1alpha1.CRMEnvironmentStatus {
	t.Helper()
	if m.pass.Refused == nil {
		resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), m.env)
		require.NoError(t, err)
		m.pass.Target = &resolved
		m.seen.Jobs = map[string]facts.Job{}
		if m.job != nil {
			m.seen.Jobs[workload.MigrationJob(&resolved)] = *m.job
		}
		if m.pull != nil {
			m.seen.Jobs[workload.PullJob(&resolved)] = *m.pull
		}
	}
	return status.Environment(m.env, &m.seen, m.pass, at)
}

func TestWhileADeclarationIsRefusedTheConditionsSpeakOfWhatIsKeptUp(t *testing.T) {
	m := running()
	before := m.fold(t, metav1.Unix(1, 0))
	m.env.Status, m.env.Generation = before, 4
	m.seen.Database = facts.Workload{Exists: true, Wanted: 1}
	m.pass.Kept = true
	for name, refuse := range map[string]func(*status.Pass){
		"refused":      func(p *status.Pass) { p.Refused = outcome.Reject(v1alpha1.ReasonSizeUnknown, "spec.size: no") },
		"not approved": func(p *status.Pass) { p.Approval = outcome.Wait(v1alpha1.ReasonApprovalRequired, 0, "ask") },
	} {
		t.Run(name, func(t *testing.T) {
			resolved, err := target.Resolve(build.Settings(), build.Tenant("acme"), build.Class(), m.env)
			require.NoError(t, err)
			pass := m.pass
			pass.Target = &resolved
			refuse(&pass)
			s := status.Environment(m.env, &m.seen, pass, metav1.Unix(2, 0))
			ready, database := meta.FindStatusCondition(s.Conditions, "Ready"), meta.FindStatusCondition(s.Conditions, "DatabaseReady")
			assert.EqualValues(t, 4, s.ObservedGeneration)
			assert.EqualValues(t, 4, ready.ObservedGeneration)
			assert.Contains(t, []string{v1alpha1.ReasonSizeUnknown, v1alpha1.ReasonApprovalRequired}, ready.Reason, "what is to be done comes first")
			assert.EqualValues(t, 3, database.ObservedGeneration, "it is that of the declaration that was let in")
			assert.Equal(t, metav1.ConditionFalse, database.Status, "and tells how it is")
		})
	}
}

func TestEachPassFoldsIntoConditions(t *testing.T) {
	sealed := outcome.Wait("VaultSealed", time.Second, "unseal it")
	suspend := func(m *moment) { m.env.Spec.State = v1alpha1.StateSuspended }
	cases := map[string]struct {
		moment moment
		ready  string // the value of Ready, or the active one of Reconciling and Stalled, and the reason
		wants  map[string]string
	}{
		"everything holds": {
			running(), "True Succeeded", map[string]string{
				"Approved": "True Succeeded", "NamespaceReady": "True Succeeded", "NetworkIsolated": "True Succeeded",
				"KeysReady": "True Succeeded", "DatabaseReady": "True Succeeded", "Migrated": "True Succeeded", "WorkloadReady": "True Succeeded",
			},
		},
		"the declaration was refused and must be edited": {
			running(func(m *moment) { m.pass.Refused = outcome.Reject(v1alpha1.ReasonSizeUnknown, "spec.size: no") }),
			"Stalled SizeUnknown", nil,
		},
		"the declaration was refused for now": {
			running(func(m *moment) { m.pass.Refused = outcome.Wait(v1alpha1.ReasonClassNotFound, 0, "spec.classRef: no") }),
			"Reconciling ClassNotFound", nil,
		},
		"it waits for approval": {
			running(func(m *moment) {
				m.pass.Request, m.pass.Approval = "abcdef0123", outcome.Wait(v1alpha1.ReasonApprovalRequired, 0, "ask")
			}),
			"Reconciling ApprovalRequired", map[string]string{"Approved": "False ApprovalRequired"},
		},
		"its namespace is somebody else's": {
			running(func(m *moment) {
				m.pass.Namespace = outcome.Wait(v1alpha1.ReasonNameClash, 0, "rename it")
				m.pass.Network, m.pass.Keys, m.pass.Workload = status.ErrNotReached, status.ErrNotReached, status.ErrNotReached
			}),
			"Reconciling NameClash", map[string]string{
				"NamespaceReady": "False NameClash", "NetworkIsolated": "Unknown Progressing", "KeysReady": "Unknown Progressing",
				"WorkloadReady": "Unknown Progressing",
			},
		},
		"the volume of its database is gone": {
			running(func(m *moment) {
				m.seen = facts.Environment{DataMissing: true}
				m.pass.Workload = outcome.Wait(v1alpha1.ReasonDataLost, 0, "bring it back")
			}),
			"Reconciling DataLost", map[string]string{
				"NetworkIsolated": "True Succeeded", "KeysReady": "True Succeeded", "DatabaseReady": "False DataLost", "WorkloadReady": "False DataLost",
			},
		},
		"Vault is sealed before anything runs": {
			running(func(m *moment) {
				m.seen, m.env.Status.Version = facts.Environment{}, ""
				m.pass.Keys, m.pass.Workload, m.pass.Encryption = sealed, status.ErrNotReached, nil
			}),
			"Reconciling VaultSealed", map[string]string{
				"NetworkIsolated": "True Succeeded", "KeysReady": "False VaultSealed", "DatabaseReady": "Unknown Progressing", "Migrated": "Unknown Progressing",
			},
		},
		"Vault is sealed and everything runs on": {
			running(func(m *moment) { m.pass.Keys, m.pass.Encryption = sealed, nil }),
			"Reconciling VaultSealed", map[string]string{"KeysReady": "False VaultSealed", "WorkloadReady": "True Succeeded", "DatabaseReady": "True Succeeded"},
		},
		"a write failed": {
			running(func(m *moment) { m.pass.Workload = errors.New("connection refused") }),
			"Reconciling Retrying", map[string]string{"WorkloadReady": "False Retrying", "DatabaseReady": "True Succeeded"},
		},
		"the API server does not accept an object": {
			running(func(m *moment) { m.pass.Workload = outcome.Reject(v1alpha1.ReasonInvalid, "spec: immutable") }),
			"Stalled Invalid", map[string]string{"WorkloadReady": "False Invalid"},
		},
		"one object is not accepted and another is somebody else's": {
			running(func(m *moment) {
				m.pass.Workload = errors.Join(
					outcome.Reject(v1alpha1.ReasonInvalid, "spec: immutable"), outcome.Wait(v1alpha1.ReasonNameClash, 0, "rename it"))
			}),
			"Reconciling NameClash", nil,
		},
		"its database is somebody else's": {
			running(func(m *moment) {
				m.seen.Database = facts.Workload{}
				m.pass.Workload = outcome.Wait(v1alpha1.ReasonNameClash, 0, "rename it")
			}),
			"Reconciling NameClash", map[string]string{"DatabaseReady": "False Progressing", "WorkloadReady": "False NameClash"},
		},
		"the database comes up": {
			running(func(m *moment) { m.seen, m.env.Status.Version = facts.Environment{}, "" }),
			"Reconciling Progressing", map[string]string{"DatabaseReady": "False Progressing", "Migrated": "False Progressing", "WorkloadReady": "False Progressing"},
		},
		"the database's image cannot be had": {
			running(func(m *moment) {
				m.seen.Database = facts.Workload{}
				m.seen.Problems = []facts.PodProblem{{Component: "database", Reason: v1alpha1.ReasonImageUnavailable, Message: "image"}}
			}),
			"Reconciling ImageUnavailable", map[string]string{"DatabaseReady": "False ImageUnavailable"},
		},
		"an external database counts as up": {
			running(func(m *moment) {
				m.seen.Database = facts.Workload{}
				m.env.Spec.Database = &v1alpha1.EnvironmentDatabase{External: &v1alpha1.ExternalDatabase{Host: "pg.example", CIDR: "192.0.2.0/28"}}
			}),
			"True Succeeded", map[string]string{"DatabaseReady": "True Succeeded"},
		},
		"the image of another version is awaited": {
			running(func(m *moment) { m.env.Spec.Version = "2.0" }),
			"Reconciling Progressing", map[string]string{"Migrated": "False Progressing", "DatabaseReady": "True Succeeded", "WorkloadReady": "True Succeeded"},
		},
		"the image of another version cannot be had": {
			running(func(m *moment) {
				m.env.Spec.Version, m.pull = "2.0", &facts.Job{}
				m.seen.Problems = []facts.PodProblem{{Component: "pull", Reason: v1alpha1.ReasonImageUnavailable, Message: "image"}}
			}),
			"Reconciling ImageUnavailable", map[string]string{"Migrated": "False ImageUnavailable", "WorkloadReady": "True Succeeded"},
		},
		"the application stops for a migration": {
			running(func(m *moment) { m.env.Spec.Version, m.pull = "2.0", &facts.Job{Succeeded: true} }),
			"Reconciling Stopping", map[string]string{"Migrated": "False Stopping"},
		},
		"the application stops for a restore before a migration": {
			running(func(m *moment) { m.env.Spec.Version, m.seen.Restoring = "2.0", "back" }),
			"Reconciling Stopping", map[string]string{"Migrated": "False Stopping", "WorkloadReady": "False Restoring"},
		},
		"a cancelled migration ends": {
			running(func(m *moment) {
				m.env.Spec.Version, m.seen.Components, m.seen.Pods = "2.0", nil, map[string]int{"migrate": 1}
			}),
			"Reconciling Stopping", map[string]string{"Migrated": "False Stopping"},
		},
		"the migration runs": {
			running(func(m *moment) { m.env.Spec.Version, m.job = "2.0", &facts.Job{} }),
			"Reconciling MigrationRunning", map[string]string{"Migrated": "False MigrationRunning"},
		},
		"the migration is done and the application is to start": {
			running(func(m *moment) {
				m.env.Spec.Version, m.job = "2.0", &facts.Job{Succeeded: true}
				m.seen.Components = map[string]facts.Workload{"web": stopped, "queue": stopped}
			}),
			"Reconciling Progressing", map[string]string{"Migrated": "True Succeeded", "WorkloadReady": "False Progressing"},
		},
		"the migration failed": {
			running(func(m *moment) {
				m.env.Spec.Version, m.job = "2.0", &facts.Job{Failed: true, Message: "BackoffLimitExceeded"}
			}),
			"Stalled MigrationFailed", map[string]string{"Migrated": "False MigrationFailed"},
		},
		"a component is not ready": {
			running(func(m *moment) {
				m.seen.Components["queue"] = facts.Workload{Exists: true, Current: true, Wanted: 1, Replicas: 1}
			}),
			"Reconciling Progressing", map[string]string{"WorkloadReady": "False Progressing"},
		},
		"a component crashes": {
			running(func(m *moment) {
				m.seen.Components["queue"] = facts.Workload{}
				m.seen.Problems = []facts.PodProblem{{Component: "queue", Reason: v1alpha1.ReasonCrashing, Message: "exit code 1"}}
			}),
			"Reconciling Crashing", map[string]string{"WorkloadReady": "False Crashing"},
		},
		"quarantined, and everything holds": {
			running(func(m *moment) { m.env.Spec.State = v1alpha1.StateQuarantined }),
			"True Quarantined", map[string]string{"WorkloadReady": "True Succeeded"},
		},
		"suspended, and pods still end": {
			running(suspend), "Reconciling Stopping", map[string]string{"WorkloadReady": "False Suspended"},
		},
		"suspended and at rest": {
			running(suspend, func(m *moment) {
				m.seen = facts.Environment{Database: stopped, Components: map[string]facts.Workload{"web": stopped, "queue": stopped}}
			}),
			"True Suspended", map[string]string{"DatabaseReady": "False Suspended", "WorkloadReady": "False Suspended", "Migrated": "True Succeeded"},
		},
		"suspended, and a write failed": {
			running(suspend, func(m *moment) { m.seen, m.pass.Workload = facts.Environment{}, errors.New("connection refused") }),
			"Reconciling Retrying", map[string]string{"WorkloadReady": "False Retrying"},
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			got := c.moment.fold(t, now)
			require.NoError(t, statuscheck.Check(c.moment.env.Generation, got.ObservedGeneration, got.Conditions))
			assert.EqualValues(t, 3, got.ObservedGeneration)
			assert.Equal(t, c.ready, summary(got.Conditions))
			for kind, want := range c.wants {
				cond := meta.FindStatusCondition(got.Conditions, kind)
				require.NotNil(t, cond, kind)
				assert.Equal(t, want, string(cond.Status)+" "+cond.Reason, kind)
				assert.EqualValues(t, 3, cond.ObservedGeneration)
			}
		})
	}
}

func TestAnImageThatCannotBeHadIsNamedWithItsField(t *testing.T) {
	for sentence, c := range map[string]struct{ component, image, want string }{
		"of the version that is wanted": {"pull", "crmkeep.local/demo:2.0", "spec.versions[1].image of CRMClass demo, which is version 2.0"},
		"of the version that runs":      {"queue", "crmkeep.local/demo:1.0", "spec.versions[0].image of CRMClass demo, which is version 1.0"},
		"of a version that is gone":     {"queue", "crmkeep.local/demo:0.9", "spec.versions of CRMClass demo"},
		"of the agent":                  {"queue", build.Settings().Images.Crmkeep, "settings.images.crmkeep"},
		"of the database":               {"database", build.Settings().Images.Postgres, "settings.images.postgres"},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := running(func(m *moment) {
				m.seen.Problems = []facts.PodProblem{{
					Component: c.component, Reason: v1alpha1.ReasonImageUnavailable, Message: `image "x" cannot be had`, Image: c.image}}
				switch c.component {
				case "pull":
					m.env.Spec.Version = "2.0"
				case "database":
					m.seen.Database = facts.Workload{}
				default:
					m.seen.Components[c.component] = facts.Workload{Exists: true, Wanted: 1}
				}
			})
			got := meta.FindStatusCondition(m.fold(t, now).Conditions, v1alpha1.ConditionReady)
			assert.Contains(t, got.Message, `image "x" cannot be had; correct `+c.want)
			assert.Equal(t, c.component == "pull", strings.Contains(got.Message, `set spec.version to "1.0" to stay with it`))
		})
	}
}

// summary tells how a person would read Ready, Reconciling and Stalled.
func summary(conditions []metav1.Condition) string {
	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if c := meta.FindStatusCondition(conditions, kind); c != nil {
			return kind + " " + c.Reason
		}
	}
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	return string(c.Status) + " " + c.Reason
}

func TestTheSamePassAnHourLaterChangesNothing(t *testing.T) {
	for sentence, change := range map[string]func(*moment){
		"ready":     func(*moment) {},
		"waiting":   func(m *moment) { m.seen.Database = facts.Workload{} },
		"stalled":   func(m *moment) { m.pass.Refused = outcome.Reject(v1alpha1.ReasonInvalid, "no") },
		"suspended": func(m *moment) { m.env.Spec.State = v1alpha1.StateSuspended },
		"longer than a message may be": func(m *moment) {
			m.pass.Refused = outcome.Reject(v1alpha1.ReasonInvalid, "%s", strings.Repeat("ü", 40000))
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := running(change)
			m.env.Status = m.fold(t, now)
			assert.Equal(t, m.env.Status, m.fold(t, later))
		})
	}
}

func TestAMessageIsCutWhereTheAPITakesItAndStaysText(t *testing.T) {
	m := running(func(m *moment) {
		m.pass.Refused = outcome.Reject(v1alpha1.ReasonInvalid, "x%s", strings.Repeat("ü", 40000))
	})
	message := meta.FindStatusCondition(m.fold(t, now).Conditions, v1alpha1.ConditionReady).Message
	assert.LessOrEqual(t, len(message), 32768)
	assert.True(t, utf8.ValidString(message), "what is not text comes back from the API server changed, and would be written again and again")
	assert.True(t, strings.HasSuffix(message, "…"))
}

func TestATransitionHasTheTimeOfTheChange(t *testing.T) {
	m := running()
	m.env.Status = m.fold(t, now)
	m.seen.Database = facts.Workload{}
	changed := m.fold(t, later)
	assert.Equal(t, later, meta.FindStatusCondition(changed.Conditions, v1alpha1.ConditionDatabaseReady).LastTransitionTime)
	assert.Equal(t, now, meta.FindStatusCondition(changed.Conditions, v1alpha1.ConditionKeysReady).LastTransitionTime)
}

func TestARefusalLeavesWhatIsKnownOfARunningEnvironmentAsItWas(t *testing.T) {
	m := running()
	m.env.Status = m.fold(t, now)
	m.pass = status.Pass{Refused: outcome.Reject(v1alpha1.ReasonVersionUnknown, "spec.version: no")}
	refused := m.fold(t, later)
	refused.Conditions = m.env.Status.Conditions
	assert.Equal(t, m.env.Status, refused)
}

func TestThingsThatAPersonAsksFor(t *testing.T) {
	m := running(func(m *moment) {
		m.env.Spec.Hostname, m.env.Spec.TTLSeconds = "crm.acme.example", build.Pointer[int64](3600)
		m.env.CreationTimestamp = now
		m.pass.Request = "abcdef0123"
	})
	got := m.fold(t, now)
	assert.Equal(t, "https://crm.acme.example", got.URL)
	assert.Equal(t, "crm-acme--prod", got.Namespace)
	assert.Equal(t, v1alpha1.StateRunning, got.State)
	assert.Equal(t, "1.0", got.TargetVersion)
	assert.Equal(t, &later, got.ExpiresAt)
	assert.Equal(t, &v1alpha1.ApprovalStatus{Request: "abcdef0123"}, got.Approval)
	assert.EqualValues(t, 1, got.Encryption.KeyVersion)
	assert.Equal(t, []v1alpha1.ComponentStatus{
		{Name: "database", Replicas: 1, ReadyReplicas: 1}, {Name: "web", Replicas: 1, ReadyReplicas: 1}, {Name: "queue", Replicas: 1, ReadyReplicas: 1},
	}, got.Components)
}

func TestTheVersionChangesWithTheMigrationAndNotBefore(t *testing.T) {
	for sentence, c := range map[string]struct {
		job  *facts.Job
		want string
	}{
		"no job yet":       {nil, "1.0"},
		"a job that runs":  {&facts.Job{}, "1.0"},
		"one that failed":  {&facts.Job{Failed: true}, "1.0"},
		"one that is done": {&facts.Job{Succeeded: true}, "2.0"},
	} {
		t.Run(sentence, func(t *testing.T) {
			m := running(func(m *moment) { m.env.Spec.Version, m.job = "2.0", c.job })
			got := m.fold(t, now)
			assert.Equal(t, c.want, got.Version)
			assert.Equal(t, "2.0", got.TargetVersion)
		})
	}
}

func TestAFailedFirstMigrationDoesNotOfferAWayBack(t *testing.T) {
	m := running(func(m *moment) {
		m.env.Status.Version, m.job = "", &facts.Job{Failed: true, Message: "DeadlineExceeded"}
	})
	message := meta.FindStatusCondition(m.fold(t, now).Conditions, v1alpha1.ConditionMigrated).Message
	assert.Contains(t, message, "DeadlineExceeded")
	assert.Contains(t, message, "Mend the class, or delete the environment")
}

func TestWhatCouldNotBeReadOfTheKeysStaysAsItWas(t *testing.T) {
	m := running()
	m.env.Status = m.fold(t, now)
	m.pass.Encryption, m.pass.Keys = nil, outcome.Wait("VaultSealed", 0, "unseal it")
	assert.EqualValues(t, 1, m.fold(t, later).Encryption.KeyVersion)
}

func TestTheStatusTellsOfTheKeysAndOfTheCertificateWhatWasSeenLast(t *testing.T) {
	made, rotated, ends := later, metav1.NewTime(now.Add(30*24*time.Hour)), now.Add(4*time.Hour)
	m := running(func(m *moment) {
		m.pass.Encryption = &v1alpha1.EncryptionStatus{KeyVersion: 1, MinDecryptionVersion: 1, DataKeyVersion: 1, KeyCreated: &made, LastRotation: &made}
		m.seen.CertificateExpires = &ends
	})
	pass := func(change func()) *v1alpha1.EncryptionStatus {
		change()
		m.env.Status = m.fold(t, now)
		return m.env.Status.Encryption
	}
	first := pass(func() {})
	assert.Equal(t, ends, first.CertificateExpires.Time)
	assert.Equal(t, made, *first.LastRotation)
	assert.EqualValues(t, 1, first.MinDecryptionVersion)

	renewed := ends.Add(time.Hour)
	assert.Equal(t, renewed, pass(func() { m.seen.CertificateExpires = &renewed }).CertificateExpires.Time)

	rekeyed := pass(func() {
		m.seen.CertificateExpires = nil // Nobody asked the application this time.
		m.pass.Encryption = &v1alpha1.EncryptionStatus{KeyVersion: 3, MinDecryptionVersion: 2, DataKeyVersion: 1, LastRotation: &rotated}
	})
	assert.EqualValues(t, 3, rekeyed.KeyVersion)
	assert.EqualValues(t, 2, rekeyed.MinDecryptionVersion)
	assert.Equal(t, rotated, *rekeyed.LastRotation)
	assert.Equal(t, made, *rekeyed.KeyCreated, "Vault no longer tells of the first version")
	assert.Equal(t, renewed, rekeyed.CertificateExpires.Time, "it answers with that until somebody sees another")

	again := renewed.Add(time.Hour)
	sealed := pass(func() {
		m.seen.CertificateExpires, m.pass.Encryption, m.pass.Keys = &again, nil, outcome.Wait("VaultSealed", 0, "unseal it")
	})
	assert.Equal(t, again, sealed.CertificateExpires.Time, "the application is asked, and not Vault")
	assert.Equal(t, rotated, *sealed.LastRotation)
	assert.EqualValues(t, 2, sealed.MinDecryptionVersion)

	lost := pass(func() { m.seen.CertificateExpires = nil })
	assert.Equal(t, sealed, lost)
}

func TestACertificateMayBeSeenBeforeAKey(t *testing.T) {
	ends := now.Add(4 * time.Hour)
	m := running(func(m *moment) {
		m.pass.Encryption, m.pass.Keys, m.seen.CertificateExpires = nil, outcome.Wait("VaultSealed", 0, "unseal it"), &ends
	})
	assert.Equal(t, &v1alpha1.EncryptionStatus{CertificateExpires: &metav1.Time{Time: ends}}, m.fold(t, now).Encryption)
}

func TestTheFirstStatusOfANewObject(t *testing.T) {
	assert.True(t, status.IsNew(nil))
	conditions := status.Started(nil, 1, now)
	assert.False(t, status.IsNew(conditions))
	require.NoError(t, statuscheck.Check(1, 0, conditions))
	assert.Equal(t, metav1.ConditionUnknown, meta.FindStatusCondition(conditions, v1alpha1.ConditionReady).Status)
}

func TestADeletionSaysWhatItWaitsFor(t *testing.T) {
	m := running()
	m.env.Status = m.fold(t, now)
	m.env.Generation++
	got := status.Deleting(m.env, outcome.Wait(v1alpha1.ReasonShredHold, time.Hour, "until tomorrow"), later)
	require.NoError(t, statuscheck.Check(4, got.ObservedGeneration, got.Conditions))
	assert.Equal(t, "Reconciling ShredHold", summary(got.Conditions))
	assert.EqualValues(t, 4, got.ObservedGeneration)
}

func TestAnEnvironmentWithoutATTLNeverExpires(t *testing.T) {
	_, ok := status.ExpiresAt(build.Environment("acme", "prod"))
	assert.False(t, ok)
}
