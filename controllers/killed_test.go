package controllers_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/naming"
)

var errKilled = errors.New("the operator was killed")

// mortal lets a process make so many of the writes that count, and nothing more: the last write happens, and its answer is never seen.
type mortal struct {
	next   http.RoundTripper
	counts func(path string) bool

	mu   sync.Mutex
	left int
	died chan struct{}
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	last, err := m.count(r)
	if err != nil {
		return nil, err
	}
	response, err := m.next.RoundTrip(r)
	if last {
		if err == nil {
			err = response.Body.Close()
		}
		close(m.died)
		return nil, errors.Join(errKilled, err)
	}
	return response, err
}

func (m *mortal) count(r *http.Request) (last bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == 0 {
		return false, errKilled
	}
	if r.Method == http.MethodGet || !m.counts(r.URL.Path) {
		return false, nil
	}
	m.left--
	return m.left == 0, nil
}

// ofBackups are the writes of a backup.
func ofBackups(path string) bool {
	return strings.Contains(path, "/crmbackups/") || strings.Contains(path, "/backup-")
}

// mortalOperator runs one that ends after so many of the writes that count. The channel is closed when it has.
func (in *installation) mortalOperator(t *testing.T, writes int, counts func(path string) bool) (died <-chan struct{}, stop func()) {
	t.Helper()
	m := &mortal{left: writes, counts: counts, died: make(chan struct{})}
	config := rest.CopyConfig(in.prepared.OperatorConfig())
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		m.next = next
		return m
	})
	return m.died, in.run(t, config)
}

// An operator is killed after the first write of a backup, after the second, and so on. Each time the next one brings the backup to its
// end, with one Job in all.
func backupOutlivesItsOperators(t *testing.T, in *installation) {
	stop := in.operate(t)
	p := in.protected(t, "mortal")
	stop()
	for writes := 1; ; writes++ {
		b := p.backup(t, fmt.Sprintf("b%d", writes))
		died, bury := in.mortalOperator(t, writes, ofBackups)
		survived := p.follow(t, b, died)
		bury()
		next := in.operate(t)
		require.True(t, p.follow(t, b, nil))
		in.backupComesTo(t, b, v1alpha1.PhaseComplete, "True Succeeded")
		p.nothingIsLeft(t)
		next()
		if survived {
			assert.Greater(t, writes, 6, "it is a story of many writes")
			return
		}
	}
}

// follow plays the backup's run for as long as its operator lives, and tells whether it lived to see the end.
func (p protected) follow(t *testing.T, b *v1alpha1.CRMBackup, died <-chan struct{}) (survived bool) {
	t.Helper()
	p.until(t, "the operator dies or the backup ends", func() error {
		select {
		case <-died:
			return nil
		default:
		}
		if p.runs(t, b.Name) {
			p.tells(t, "backup."+b.Name, 0, told(p.locations))
		}
		if err := p.Get(t.Context(), client.ObjectKeyFromObject(b), b); err != nil {
			return err
		}
		survived = b.Status.Phase == v1alpha1.PhaseComplete && len(b.Finalizers) == 0
		return mustBe(survived, "phase %s", b.Status.Phase)
	})
	return survived
}

// runs tells whether a pod of a backup does. There is never a second Job.
func (p protected) runs(t *testing.T, backup string) bool {
	t.Helper()
	of := client.MatchingLabels{naming.LabelRunOf: naming.RunOf(naming.RunBackup, backup)}
	var jobs batchv1.JobList
	require.NoError(t, p.List(t.Context(), &jobs, client.InNamespace(workloadNamespace(p.env)), of))
	require.LessOrEqual(t, len(jobs.Items), 1)
	var pods corev1.PodList
	require.NoError(t, p.List(t.Context(), &pods, client.InNamespace(workloadNamespace(p.env)), of))
	return len(pods.Items) == 1 && pods.Items[0].Status.Phase == corev1.PodRunning && pods.Items[0].DeletionTimestamp == nil
}
