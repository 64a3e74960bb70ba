package job

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	agent "github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/session"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

const (
	// vaultPatience is how long a run waits for Vault to come back before its work is lost.
	vaultPatience = 10 * time.Minute
	firstRetry    = 250 * time.Millisecond
	lastRetry     = 15 * time.Second
)

// Vault is a run's access to Vault, which waits while Vault is sealed or away. It is safe for concurrent use.
type Vault struct {
	mu      sync.Mutex
	session *session.Session
	log     *slog.Logger
}

func newVault(auth agent.Vault, caFile, tokenFile string, log *slog.Logger) (*Vault, error) {
	s, err := session.New(auth, caFile, tokenFile)
	return &Vault{session: s, log: log}, err
}

// Read gives the data at path, nil when there is none.
func (v *Vault) Read(ctx context.Context, path string) (map[string]any, error) {
	return v.patiently(ctx, func(ctx context.Context) (map[string]any, error) { return v.session.Read(ctx, path) })
}

// Write sends body to path and gives the data of the answer.
func (v *Vault) Write(ctx context.Context, path string, body map[string]any) (map[string]any, error) {
	return v.patiently(ctx, func(ctx context.Context) (map[string]any, error) { return v.session.Write(ctx, path, body) })
}

func (v *Vault) patiently(ctx context.Context, do func(context.Context) (map[string]any, error)) (map[string]any, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	deadline, said := time.Now().Add(vaultPatience), ""
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		answer, err := do(ctx)
		waiting, ok := outcome.AsWaiting(err)
		if !ok || !passes(waiting.Reason) || time.Now().After(deadline) {
			return answer, err
		}
		if waiting.Message != said {
			v.log.Info("waiting for Vault", "reason", waiting.Reason, "message", waiting.Message)
			said = waiting.Message
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // spreads load, guards nothing
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
}

// passes tells whether a wait for Vault may end without anybody changing what the run may do.
func passes(reason string) bool {
	return reason == session.ReasonSealed || reason == session.ReasonUnreachable || reason == session.ReasonSlow
}
