//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

// writer is a person who works all along: makes customers through the CRM's API, one after another, from behind what stands for the ingress
// controller. What the CRM has acknowledged is noted in this process, outside of the node, before the next customer is made.
type writer struct {
	command []string
	// hello is the administrator's password, which the person knows, whatever becomes of Vault.
	hello, prefix string
	end           context.CancelFunc
	ended         chan struct{}

	mu           sync.Mutex
	acknowledged []string
	last         time.Time
	// longest is the longest time between two customers that were taken.
	longest time.Duration
}

// Longer than what writer.py waits for the CRM: an answer that takes longer will not come.
const answerTimeout = 8 * time.Second

// longestAnswer, in bytes, has room for the names of all customers of a quarter of an hour.
const longestAnswer = 8 << 20

// write makes customers in an environment of acme, which has Tryton, until the test ends, or stop.
func write(t *testing.T, environment *v1alpha1.CRMEnvironment) *writer {
	t.Helper()
	ask := func(args ...string) string {
		out, err := c.shell(t.Context(), acme, args...)
		require.NoError(t, err)
		return out
	}
	script, err := os.ReadFile(filepath.Join(c.repo, "test/e2e/writer.py"))
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	w := &writer{
		command: []string{
			ask("type", "-P", "kubectl"), "--kubeconfig", c.kubeconfig, "exec", "-i", "-n", "demo-ingress", "client", "-c", "main", "--",
			"python3", "-c", string(script), "https://web." + workloadOf(environment) + ".svc/crm/", ask("ca_chain"),
		},
		hello:  ask("admin_password", environment.Name, ask("officer_token", environment.Name)),
		prefix: "Writer " + utilrand.String(6) + " ",
		end:    end, ended: make(chan struct{}),
	}
	go func() {
		defer close(w.ended)
		w.work(ctx)
	}()
	t.Cleanup(func() { w.stop() })
	return w
}

// work starts over whenever the conversation with the pod breaks off, until ctx ends.
func (w *writer) work(ctx context.Context) {
	for number := 0; ctx.Err() == nil; {
		talk, err := w.talk(ctx)
		for err == nil && ctx.Err() == nil {
			number++ // a customer that was not acknowledged may be there all the same
			name := fmt.Sprint(w.prefix, number)
			var answer string
			if answer, err = talk.ask("make " + name); err == nil {
				w.note(name, answer)
			}
		}
		talk.end()
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (w *writer) note(name, answer string) {
	if answer != "taken" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if len(w.acknowledged) > 0 {
		w.longest = max(w.longest, now.Sub(w.last))
	}
	w.last = now
	w.acknowledged = append(w.acknowledged, name)
}

// takes waits until the CRM has taken another customer.
func (w *writer) takes(t *testing.T) {
	t.Helper()
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.acknowledged)
	}
	before := count()
	eventually(t, patient, "the CRM to take another customer", func(context.Context) error {
		if count() == before {
			return errors.New("none since")
		}
		return nil
	})
}

// stop ends the work.
func (w *writer) stop() {
	w.end()
	<-w.ended
}

// losesNothing looks for each customer that was acknowledged, after stop.
func (w *writer) losesNothing(t *testing.T) {
	t.Helper()
	talk, err := w.talk(t.Context())
	defer talk.end()
	require.NoError(t, err)
	answer, err := talk.ask("list " + w.prefix)
	require.NoError(t, err)
	var there, lost []string
	require.NoError(t, json.Unmarshal([]byte(answer), &there))
	for _, name := range w.acknowledged {
		if !slices.Contains(there, name) {
			lost = append(lost, name)
		}
	}
	t.Logf("%d customers were taken, %d are lost; for %.1f s none was taken", len(w.acknowledged), len(lost), w.longest.Seconds())
	assert.NotEmpty(t, w.acknowledged)
	assert.Empty(t, lost, "taken and not there")
}

// conversation is with writer.py in the client's pod.
type conversation struct {
	in      io.Writer
	answers chan string
	end     func()
}

// talk begins a conversation; when there is an error, too, it is to be ended.
func (w *writer) talk(ctx context.Context) (conversation, error) {
	ctx, cancel := context.WithCancel(ctx)
	command := exec.CommandContext(ctx, w.command[0], w.command[1:]...)
	talk := conversation{answers: make(chan string), end: cancel}
	in, err := command.StdinPipe()
	if err != nil {
		return talk, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return talk, err
	}
	if err := command.Start(); err != nil {
		return talk, err
	}
	talk.in = in
	talk.end = func() {
		cancel()
		for range talk.answers { // until what was started has ended
		}
	}
	go func() {
		defer close(talk.answers)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, longestAnswer)
		for lines.Scan() {
			talk.answers <- lines.Text()
		}
		_ = command.Wait() // it is killed, or its pod is; answers have said what matters
	}()
	_, err = talk.ask(w.hello)
	return talk, err
}

func (c conversation) ask(line string) (string, error) {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		return "", err
	}
	select {
	case answer, more := <-c.answers:
		if !more {
			return "", errors.New("the conversation has ended")
		}
		return answer, nil
	case <-time.After(answerTimeout):
		return "", errors.New("no answer")
	}
}
