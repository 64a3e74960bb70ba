package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connection taken out of Go's network poller: no call waits, and a loop hears when to call again.
type socket struct {
	// Conn is where the socket was taken from. It is closed and only knows its addresses.
	net.Conn
	fd int
	// drained means that the last read took all there was. The next one would only be told so by the system.
	drained bool
	// unsent is what the peer had no room for yet.
	unsent []byte
	// awaited means that the loop hears when there is room again.
	awaited bool
	// hungUp means that the peer ended or broke the connection: after the last bytes there is more to read, the end.
	hungUp bool
	// ending means that the peer is to see the end of the stream after what is unsent.
	ending bool
}

// detach takes conn out of the poller and closes it. A connection that stayed there would wake the poller's thread at each message.
func detach(conn net.Conn) (*socket, error) {
	source, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is not a connection of the system", conn)
	}
	raw, err := source.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: conn}
	var failed error
	if err := raw.Control(func(fd uintptr) { s.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, os.NewSyscallError("fcntl", failed)
	}
	conn.Close() //nolint:errcheck // the end of the agent may have closed it already
	return s, nil
}

// notNow is the answer of a read that would have to wait. It is temporary, which crypto/tls takes as a reason to go on with the
// same record later.
type notNow struct{}

func (notNow) Error() string   { return "nothing to read yet" }
func (notNow) Timeout() bool   { return true }
func (notNow) Temporary() bool { return true }

// Read gives what is there, or notNow.
func (s *socket) Read(into []byte) (int, error) {
	if s.drained {
		return 0, notNow{}
	}
	n, err := again(unix.Read, s.fd, into)
	switch {
	case errors.Is(err, unix.EAGAIN):
		s.drained = true
		return 0, notNow{}
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0 && len(into) > 0:
		return 0, io.EOF
	}
	s.drained = n < len(into) && !s.hungUp
	return n, nil
}

// Write sends what the peer has room for and keeps the rest for flush.
func (s *socket) Write(content []byte) (int, error) {
	if len(s.unsent) > 0 {
		s.unsent = append(s.unsent, content...)
		return len(content), nil
	}
	sent, err := s.send(content)
	if err != nil {
		return sent, err
	}
	s.unsent = append(s.unsent, content[sent:]...)
	return len(content), nil
}

// flush sends what is unsent, as far as the peer has room, and then the end of the stream if that is due.
func (s *socket) flush() error {
	if len(s.unsent) > 0 {
		sent, err := s.send(s.unsent)
		if err != nil {
			return err
		}
		s.unsent = s.unsent[:copy(s.unsent, s.unsent[sent:])]
	}
	if s.ending && len(s.unsent) == 0 {
		s.ending = false
		return os.NewSyscallError("shutdown", unix.Shutdown(s.fd, unix.SHUT_WR))
	}
	return nil
}

func (s *socket) send(content []byte) (sent int, err error) {
	for sent < len(content) {
		n, err := again(unix.Write, s.fd, content[sent:])
		if errors.Is(err, unix.EAGAIN) {
			return sent, nil
		}
		if err != nil {
			return sent, os.NewSyscallError("write", err)
		}
		sent += n
	}
	return sent, nil
}

// CloseWrite ends the stream towards the peer after what is unsent.
func (s *socket) CloseWrite() error {
	s.ending = true
	return s.flush()
}

// Close frees the socket. It must not be closed twice: its number may be another's by then.
func (s *socket) Close() error { return os.NewSyscallError("close", unix.Close(s.fd)) }

// hear takes what the system tells about the socket.
func (s *socket) hear(events uint32) {
	s.drained = s.drained && events&^unix.EPOLLOUT == 0
	s.hungUp = s.hungUp || events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
}

// Deadlines have no meaning without waiting; crypto/tls sets one around its last message.

func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// again repeats a call that a signal interrupted.
func again(call func(int, []byte) (int, error), fd int, buffer []byte) (int, error) {
	for {
		n, err := call(fd, buffer)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
