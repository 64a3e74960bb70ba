package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

const (
	// bufferSize holds the largest TLS record. More brings nothing, since a TLS connection gives one record per read.
	bufferSize = 16 << 10
	// maxRecords is how many TLS records pass before others have their turn.
	maxRecords = 16
)

// transport is below a TLS connection: a connection of Go's while it is set up, a socket afterwards.
type transport struct{ net.Conn }

// link is a plain connection and a TLS connection that pass each other's bytes. Its loop alone touches it.
type link struct {
	plain   *socket
	carrier *socket // of secured
	secured *tls.Conn
	// plainEnded and securedEnded mean that nothing more comes from there.
	plainEnded, securedEnded bool
	// unread means that secured may hold more, which the system cannot tell.
	unread bool
	// queued means that the loop is about to step it.
	queued bool
	// ended gives why the link is over; nil when both sides ended by themselves.
	ended chan error
}

// step passes what can pass without waiting. busy means that there may be more at once.
func (l *link) step(buffer []byte) (busy bool, err error) {
	if err := l.outwards(buffer); err != nil {
		return false, err
	}
	if err := l.inwards(buffer); err != nil {
		return false, err
	}
	return l.unread || l.wantsPlain() && !l.plain.drained || l.wantsSecured() && !l.carrier.drained, nil
}

// over means that both sides ended and that nobody waits for anything.
func (l *link) over() bool { return l.plainEnded && l.securedEnded && len(l.plain.unsent) == 0 }

// A side is not read from while the other has no room: that holds its sender back, and what a link keeps stays small.

func (l *link) wantsPlain() bool   { return !l.plainEnded && len(l.carrier.unsent) == 0 }
func (l *link) wantsSecured() bool { return !l.securedEnded && len(l.plain.unsent) == 0 }

// outwards encrypts what the plain side sent.
func (l *link) outwards(buffer []byte) error {
	if err := l.carrier.flush(); err != nil || !l.wantsPlain() {
		return err
	}
	n, err := l.plain.Read(buffer)
	switch {
	case errors.Is(err, notNow{}):
		return nil
	case errors.Is(err, io.EOF):
		l.plainEnded = true
		return l.secured.CloseWrite()
	case err != nil:
		return err
	}
	_, err = l.secured.Write(buffer[:n])
	return err
}

// inwards decrypts what came for the plain side.
func (l *link) inwards(buffer []byte) error {
	if err := l.plain.flush(); err != nil {
		return err
	}
	l.unread = false
	for range maxRecords {
		if !l.wantsSecured() {
			return nil
		}
		n, err := l.secured.Read(buffer)
		if n > 0 {
			if _, err := l.plain.Write(buffer[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, notNow{}):
			return nil
		case errors.Is(err, io.EOF):
			l.securedEnded = true
			return l.plain.CloseWrite()
		case err != nil:
			return err
		}
	}
	l.unread = true
	return nil
}

// hear takes news of one of the link's sockets.
func (l *link) hear(event unix.EpollEvent) {
	s := l.plain
	if int(event.Fd) == l.carrier.fd {
		s = l.carrier
	}
	s.hear(event.Events)
}
