// Package health answers kubelet's probes.
package health

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/change"
	"github.com/crmkeep/crmkeep/internal/outcome"
)

// checkTimeout is how long a check may take.
const checkTimeout = 3 * time.Second

// reasonNotReady is what a probe answers when an error has no reason of its own.
const reasonNotReady = "NotReady"

// Check tells whether something is well. It must end when ctx does.
type Check func(ctx context.Context) error

// Serve answers /started, /ready and /live by the checks of these names, and nothing else, until ctx ends: 200, or 503 with a
// single word. Errors without an outcome go to the log, once per change; whoever waits for an outcome says so itself.
func Serve(ctx context.Context, log *slog.Logger, listener net.Listener, started, ready, live Check) error {
	mux := http.NewServeMux()
	mux.Handle("GET /started", handler(log, "started", started))
	mux.Handle("GET /ready", handler(log, "ready", ready))
	mux.Handle("GET /live", handler(log, "live", live))
	server := &http.Server{Handler: mux, ReadTimeout: checkTimeout, WriteTimeout: 2 * checkTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: 4 << 10}
	stop := context.AfterFunc(ctx, func() { server.Close() }) //nolint:errcheck // nothing is left to do about it
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ctx.Err()
}

func handler(log *slog.Logger, name string, check Check) http.Handler {
	var last change.Tracker
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		err := check(ctx)
		if err == nil {
			if last.To("") {
				log.Info("A probe succeeds again", "probe", name)
			}
			io.WriteString(w, "ok\n") //nolint:errcheck // kubelet reads the status
			return
		}
		reason := Reason(err)
		if reason == reasonNotReady && r.Context().Err() == nil && last.To(err.Error()) {
			log.Warn("A probe fails", "probe", name, "error", err)
		}
		http.Error(w, reason, http.StatusServiceUnavailable)
	})
}

// Reason is the word for err: that of an outcome, or NotReady.
func Reason(err error) string {
	if waiting, ok := outcome.AsWaiting(err); ok {
		return waiting.Reason
	}
	if invalid, ok := outcome.AsInvalid(err); ok {
		return invalid.Reason
	}
	return reasonNotReady
}
