package exec

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// signalBase plus a signal's number is the exit code of a program that the signal ended, by the shells' convention.
const signalBase = 128

// supervise runs program as a child until it ends and gives its exit code. SIGTERM reaches it as stop, other signals as they are.
func supervise(program string, args, environ []string, stop syscall.Signal) (int, error) {
	signals := make(chan os.Signal, 64)
	// Before the child exists, so that none of its signals is missed.
	signal.Notify(signals)
	defer signal.Stop(signals)
	child, err := os.StartProcess(program, args, &os.ProcAttr{Env: environ, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", program, err)
	}
	for received := range signals {
		number, ok := received.(syscall.Signal)
		if !ok {
			continue
		}
		switch number {
		case syscall.SIGCHLD:
			if code, ended := reap(child.Pid); ended {
				return code, nil
			}
		case syscall.SIGURG, syscall.SIGPIPE:
			// Go's runtime sends itself the one; the other is about this process's own output.
		case syscall.SIGTERM:
			forward(child.Pid, stop)
		default:
			forward(child.Pid, number)
		}
	}
	return 0, errors.New("no more signals")
}

func forward(pid int, number syscall.Signal) {
	// It fails only when the child ended just now, and SIGCHLD is on its way.
	_ = syscall.Kill(pid, number)
}

// reap collects every child that ended, orphans included, since process 1 inherits them. It reports the exit code of the one
// with pid.
func reap(pid int) (code int, ended bool) {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || got <= 0 {
			return code, ended
		}
		if got != pid {
			continue
		}
		ended, code = true, status.ExitStatus()
		if status.Signaled() {
			code = signalBase + int(status.Signal())
		}
	}
}
