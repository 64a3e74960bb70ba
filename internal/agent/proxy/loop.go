package proxy

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// edges are told once for each change, so that a socket whose news are known does not wake the loop again and again.
const edges = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// loop moves the bytes of its links, one link after another.
type loop struct {
	epoll int
	// stop wakes the loop for its end.
	stop   int
	ended  chan struct{}
	buffer [bufferSize]byte

	mu sync.Mutex
	// links by each of their two sockets.
	links map[int32]*link
}

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("eventfd", err), unix.Close(epoll))
	}
	l := &loop{epoll: epoll, stop: stop, ended: make(chan struct{}), links: map[int32]*link{}}
	if err := l.control(unix.EPOLL_CTL_ADD, &socket{fd: stop}); err != nil {
		return nil, errors.Join(err, unix.Close(stop), unix.Close(epoll))
	}
	go l.run()
	return l, nil
}

// close ends the loop, which has no links anymore.
func (l *loop) close() error {
	if _, err := unix.Write(l.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return os.NewSyscallError("write", err)
	}
	<-l.ended
	return errors.Join(unix.Close(l.stop), unix.Close(l.epoll))
}

// add hands a link to the loop, which tells of its end.
func (l *loop) add(added *link) error {
	// That there is room is news at once: the first step must not wait for other news, since TLS may have read ahead.
	added.plain.awaited = true
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range []*socket{added.plain, added.carrier} {
		l.links[int32(s.fd)] = added //nolint:gosec // the system's file descriptors are of this size
		if err := l.control(unix.EPOLL_CTL_ADD, s); err != nil {
			l.forget(added)
			return err
		}
	}
	return nil
}

func (l *loop) forget(gone *link) {
	for _, s := range []*socket{gone.plain, gone.carrier} {
		delete(l.links, int32(s.fd))     //nolint:gosec // as above
		l.control(unix.EPOLL_CTL_DEL, s) //nolint:errcheck // it may never have been added
	}
}

func (l *loop) run() {
	defer close(l.ended)
	var events [64]unix.EpollEvent
	var busy []*link
	for {
		timeout := -1
		if len(busy) > 0 {
			timeout = 0
		}
		n, err := unix.EpollWait(l.epoll, events[:], timeout)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic("epoll_wait: " + err.Error()) // only a wrong call fails
		}
		for _, event := range events[:max(n, 0)] {
			if int(event.Fd) == l.stop {
				return
			}
			busy = l.hear(busy, event)
		}
		busy = l.step(busy)
	}
}

// hear queues the link that an event is about.
func (l *loop) hear(busy []*link, event unix.EpollEvent) []*link {
	l.mu.Lock()
	at := l.links[event.Fd]
	l.mu.Unlock()
	if at == nil {
		return busy // it ended since
	}
	at.hear(event)
	if at.queued {
		return busy
	}
	at.queued = true
	return append(busy, at)
}

// step gives each link a turn and returns those that want another at once.
func (l *loop) step(links []*link) (busy []*link) {
	busy = links[:0]
	for _, at := range links {
		more, err := at.step(l.buffer[:])
		if err == nil {
			err = l.await(at)
		}
		switch {
		case err != nil || at.over():
			l.mu.Lock()
			l.forget(at)
			l.mu.Unlock()
			at.ended <- err
		case more:
			busy = append(busy, at)
		default:
			at.queued = false
		}
	}
	clear(links[len(busy):])
	return busy
}

// await asks for news of room at a link's sockets while something is unsent, and only then: each message read is such news.
func (l *loop) await(at *link) error {
	for _, s := range []*socket{at.plain, at.carrier} {
		full := len(s.unsent) > 0
		if full == s.awaited {
			continue
		}
		s.awaited = full
		if err := l.control(unix.EPOLL_CTL_MOD, s); err != nil {
			return err
		}
	}
	return nil
}

func (l *loop) control(operation int, s *socket) error {
	event := unix.EpollEvent{Events: edges, Fd: int32(s.fd)} //nolint:gosec // as above
	if s.awaited {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(l.epoll, operation, s.fd, &event))
}
