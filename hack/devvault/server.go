package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	log "github.com/hashicorp/go-hclog"
	vhttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/vault"
)

// serve runs the server until ctx ends, and calls ready with its address when it listens.
func serve(ctx context.Context, o options, ready func(address string)) error {
	tlsConfig, err := serverTLS(o)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has closed it already when it ran
	address := listener.Addr().String()
	scheme := "http"
	if tlsConfig != nil {
		scheme = "https"
		listener = tls.NewListener(listener, tlsConfig)
	}

	logger := log.New(&log.LoggerOptions{Level: log.Warn})
	core, err := newCore(o.dir, scheme+"://"+address, logger)
	if err != nil {
		return err
	}
	if err := open(core, o); err != nil {
		return errors.Join(err, core.Shutdown())
	}
	handler := vhttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Address: address, TLSDisable: tlsConfig == nil},
	})
	ready(address) // the listener queues requests from now on
	return errors.Join(serveHTTP(ctx, handler, listener), core.Shutdown())
}

// serveHTTP answers on the listener until ctx ends.
func serveHTTP(ctx context.Context, handler http.Handler, listener net.Listener) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
