package proxy

import (
	"context"
	"net"
	"time"
)

// firstAttempt is how long a connection is waited for before it is tried anew. Its first packet is sent twice meanwhile.
const firstAttempt = 2 * time.Second

// dial connects with keep-alive, so that a peer that vanished without a word is noticed, and without Nagle's delay, Go's default.
func dial(ctx context.Context, address string) (*net.TCPConn, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 4}}
	conn, err := attempts(ctx, func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) })
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// attempts calls connect until it has an answer or setupTimeout is over, each time with twice as much time. When the pod of a database is
// replaced, the node may go on sending what comes from one port to the pod that is gone, whatever is sent again; a new attempt comes from
// another port.
func attempts(ctx context.Context, connect func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	for timeout := firstAttempt; ; timeout *= 2 {
		began := time.Now()
		attempt, end := context.WithTimeout(ctx, timeout)
		conn, err := connect(attempt)
		end()
		if err == nil || ctx.Err() != nil || time.Since(began) < timeout {
			return conn, err
		}
	}
}
