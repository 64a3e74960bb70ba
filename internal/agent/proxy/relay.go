package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// maxLoops bounds the threads of a Relay: what one carries is more than an application's share of a node.
const maxLoops = 4

// Relay passes the bytes of connections in a few loops around epoll(7), each on a thread of its own. For short messages that takes
// less CPU time than two goroutines for each connection, which Go's scheduler wakes at each message.
type Relay struct {
	loops []*loop
	next  atomic.Uint32
}

// NewRelay starts the loops.
func NewRelay() (*Relay, error) {
	r := &Relay{}
	for range min(runtime.GOMAXPROCS(0), maxLoops) {
		l, err := newLoop()
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.loops = append(r.loops, l)
	}
	return r, nil
}

// Close ends the loops. No connection may be left.
func (r *Relay) Close() error {
	var failed []error
	for _, l := range r.loops {
		failed = append(failed, l.close())
	}
	return errors.Join(failed...)
}

// pass carries bytes between plain and secured until both directions ended, one failed, or ctx ended. It closes both.
func (r *Relay) pass(ctx context.Context, plain net.Conn, secured *tls.Conn) error {
	below, ok := secured.NetConn().(*transport)
	if !ok {
		return errors.New("not a connection to relay")
	}
	carrier, err := detach(below.Conn)
	if err != nil {
		return err
	}
	below.Conn = carrier
	defer secured.Close() //nolint:errcheck // the peer sees the end either way
	inner, err := detach(plain)
	if err != nil {
		return err
	}
	defer inner.Close() //nolint:errcheck // as above

	l := &link{plain: inner, carrier: carrier, secured: secured, ended: make(chan error, 1)}
	if err := r.loops[int(r.next.Add(1))%len(r.loops)].add(l); err != nil {
		return err
	}
	select {
	case err := <-l.ended:
		return err
	case <-ctx.Done():
		// The loop sees it. Closed, the sockets' numbers could be another's before it knows.
		unix.Shutdown(inner.fd, unix.SHUT_RDWR)   //nolint:errcheck // it may be down already
		unix.Shutdown(carrier.fd, unix.SHUT_RDWR) //nolint:errcheck // as above
		return <-l.ended
	}
}
