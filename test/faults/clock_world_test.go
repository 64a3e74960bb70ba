package faults

import (
	native "encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/testing/build"
	"github.com/crmkeep/crmkeep/internal/testing/faultproxy"
	"github.com/crmkeep/crmkeep/internal/testing/operator"
	"github.com/crmkeep/crmkeep/internal/testing/statuscheck"
)

// clocks are a world whose manager's clock can be set, and the API server's as far as the manager sees it. What the API server writes down
// has the right time.
type clocks struct {
	*world
	running *operator.Manager
	// off is by how many seconds the manager's clock is.
	off *os.File
	// dates is by how long the API server's is.
	dates atomic.Int64
}

// withClocks begins with clocks that are right, and a manager.
func withClocks(t *testing.T, w *world) *clocks {
	t.Helper()
	own := *w
	c := &clocks{world: &own}
	config := w.OperatorConfig()
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	c.api = faultproxy.Start(t, config.Host, dated{transport, &c.dates})
	c.off, err = os.Create(filepath.Join(t.TempDir(), "clock"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.off.Close() })
	t.Setenv("CRMKEEP_TEST_CLOCK", c.off.Name())
	shipped := binary
	binary = steppable
	t.Cleanup(func() { binary = shipped })
	c.set(t, 0, 0)
	c.running = c.start(t)
	return c
}

// dated is a transport whose answers have other dates.
type dated struct {
	next http.RoundTripper
	by   *atomic.Int64
}

func (d dated) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return nil, fmt.Errorf("the API server tells no time: %w", err)
	}
	response.Header.Set("Date", date.Add(time.Duration(d.by.Load())).Format(http.TimeFormat))
	return response, nil
}

// set puts the manager's clock and the API server's forward, or back, from the right time.
func (c *clocks) set(t *testing.T, manager, server time.Duration) {
	t.Helper()
	_, err := c.off.WriteAt(seconds(manager), 0)
	require.NoError(t, err)
	c.dates.Store(int64(server))
}

func seconds(d time.Duration) []byte {
	return native.NativeEndian.AppendUint64(nil, uint64(int64(d/time.Second)))
}

// again lets the manager look at everything as it runs, and once more after a restart.
func (c *clocks) again(t, whole *testing.T) {
	t.Helper()
	c.look(t)
	c.running.Kill()
	c.running = c.start(whole)
	c.settle(t, c.running)
}

// look brings passes over all environments, and with its one write an answer of the API server.
func (c *clocks) look(t *testing.T) {
	t.Helper()
	class := build.Class()
	patch := fmt.Sprintf(`{"spec":{"displayName":"looked at %d"}}`, time.Now().UnixNano())
	require.NoError(t, c.Patch(t.Context(), class, client.RawPatch(types.MergePatchType, []byte(patch))))
	c.until(t, "the class was looked at", func() error {
		live := &v1alpha1.CRMClass{}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(class), live); err != nil {
			return err
		}
		return statuscheck.Is(live.Generation, live.Status.ObservedGeneration, live.Status.Conditions, "True Succeeded")
	})
	c.settle(t, c.running)
}

// changes are the manager's writes since the proxy's last reset, without what look brings and what becomes of locations: object stores refuse
// requests of another time, and their certificates look expired.
func (c *clocks) changes() []string {
	var all []string
	for _, write := range c.api.Writes() {
		if counts(write) && !strings.HasSuffix(write.Path, "/crmclasses/demo/status") && !strings.Contains(write.Path, "/crmbackuplocations/") {
			all = append(all, write.String())
		}
	}
	return all
}
