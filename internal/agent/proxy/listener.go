// Package proxy carries the application's connections: users' TLS inwards, database connections outwards over mutual TLS.
package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

const (
	// drainTimeout is how long connections may go on after the agent was told to stop.
	drainTimeout = 10 * time.Second
	// setupTimeout is how long a peer may take before bytes flow: TLS handshake, start-up message, connecting.
	setupTimeout = 10 * time.Second
	// acceptPause is waited after the system could not give a connection, as when it is out of file descriptors.
	acceptPause = 50 * time.Millisecond
)

// Handler serves one connection until it ends. conn is closed afterwards, and when ctx ends.
type Handler func(ctx context.Context, conn net.Conn)

// Serve hands each connection of listener to handle until ctx ends. Then it accepts no more, and returns when the last connection
// ended or the time for that is up.
func Serve(ctx context.Context, log *slog.Logger, listener net.Listener, handle Handler) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() }) //nolint:errcheck // nothing is left to do about it
	defer stop()
	connections, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()

	var open sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			log.Warn("Cannot accept a connection", "error", err)
			pause(ctx)
			continue
		}
		open.Go(func() {
			closeConn := func() { conn.Close() } //nolint:errcheck // it may be closed already
			defer closeConn()
			stop := context.AfterFunc(connections, closeConn)
			defer stop()
			handle(connections, conn)
		})
	}
	drain(&open)
	cut()
	open.Wait()
	return ctx.Err()
}

func drain(open *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		open.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drainTimeout):
	}
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(acceptPause):
	}
}
