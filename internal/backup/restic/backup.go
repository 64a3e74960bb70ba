package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Snapshot that was made.
type Snapshot struct {
	// ID is SHA-256 in hexadecimal.
	ID string
	// Files and Bytes that it holds, and Added, the bytes that the repository grew by.
	Files, Bytes, Added int64
}

type message struct {
	Type      string `json:"message_type"`
	ID        string `json:"snapshot_id"`
	Files     int64  `json:"total_files_processed"`
	Bytes     int64  `json:"total_bytes_processed"`
	Added     int64  `json:"data_added_packed"`
	BytesDone int64  `json:"bytes_done"`
}

// collect reads what a backup prints into s.
func (s *Snapshot) collect(progress func(bytes int64)) *lines {
	return &lines{handle: func(line []byte) {
		var m message
		if json.Unmarshal(line, &m) != nil {
			return
		}
		switch m.Type {
		case "summary":
			*s = Snapshot{ID: m.ID, Files: m.Files, Bytes: m.Bytes, Added: m.Added}
		case "status":
			if progress != nil {
				progress(m.BytesDone)
			}
		}
	}}
}

func (s Snapshot) check() error {
	if len(s.ID) != 64 {
		return &Error{Cause: Failed, Message: "restic ended without telling which snapshot it made"}
	}
	return nil
}

// Folder backs up what is in a folder. progress is told the bytes so far, when it is not nil. A file that cannot be read is an error.
func (r Repository) Folder(ctx context.Context, folder string, progress func(bytes int64), tags ...string) (Snapshot, error) {
	// "." makes the files the root of the snapshot, so that it can be restored to anywhere.
	arguments := r.backupArguments(tags)
	for _, pattern := range r.Exclude {
		arguments = append(arguments, "--exclude="+filepath.Join(folder, pattern))
	}
	cmd := r.command(ctx, append(arguments, ".")...)
	cmd.Dir = folder
	var made Snapshot
	if err := execute(ctx, cmd, made.collect(progress)); err != nil {
		return Snapshot{}, err
	}
	return made, made.check()
}

func (r Repository) backupArguments(tags []string) []string {
	arguments := []string{"backup", "--host=" + r.Host, "--group-by=host,paths"}
	for _, tag := range tags {
		arguments = append(arguments, "--tag="+tag)
	}
	return arguments
}

// Stream is a backup of what is written to it.
type Stream struct {
	pipe     *os.File
	patience time.Duration
	kill     context.CancelFunc
	cmd      *exec.Cmd
	said     *tail
	ended    chan struct{}
	err      error
	made     Snapshot
}

// Stream begins a backup of one file, of the name filename. patience is how long a single Write, or Close, may wait for the location. The stream
// must be ended by Close or Abort.
func (r Repository) Stream(ctx context.Context, patience time.Duration, filename string, tags ...string) (*Stream, error) {
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	widen(to)
	ctx, kill := context.WithCancel(ctx)
	s := &Stream{pipe: to, patience: patience, kill: kill, said: &tail{}, ended: make(chan struct{})}
	s.cmd = r.command(ctx, append(r.backupArguments(tags), "--stdin", "--stdin-filename="+filename)...)
	// At once: what was written so far must not become a snapshot.
	s.cmd.Cancel = func() error { return s.cmd.Process.Kill() }
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = from, s.made.collect(nil), s.said
	err = s.cmd.Start()
	_ = from.Close()
	if err != nil {
		kill()
		_ = to.Close()
		return nil, fmt.Errorf("run restic: %w", err)
	}
	go func() {
		s.err = explain(ctx, s.cmd.Wait(), s.said)
		close(s.ended)
	}()
	return s, nil
}

// pipeSize is how far one location may be behind another before that one waits, in bytes.
const pipeSize = 1 << 20

// widen makes a pipe larger. One that stays as it was is only slower.
func widen(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
	})
}

// Write implements io.Writer. Its error is what restic ended with, or that it took nothing for as long as
// patience goes: its location is away or too slow.
func (s *Stream) Write(p []byte) (int, error) {
	if err := s.pipe.SetWriteDeadline(time.Now().Add(s.patience)); err != nil {
		return 0, err
	}
	n, err := s.pipe.Write(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, s.stalled()
	}
	// restic closed its end.
	if ended := s.wait(s.patience); ended != nil {
		return n, ended
	}
	return n, fmt.Errorf("write to restic: %w", err)
}

// Close ends the data and waits for the snapshot, as long as patience goes.
func (s *Stream) Close() (Snapshot, error) {
	defer s.kill()
	if err := s.pipe.Close(); err != nil {
		return Snapshot{}, err
	}
	if err := s.wait(s.patience); err != nil {
		return Snapshot{}, err
	}
	return s.made, s.made.check()
}

// Abort ends the backup without a snapshot. It does nothing after Close.
func (s *Stream) Abort() {
	s.kill()
	<-s.ended
	_ = s.pipe.Close()
}

// wait gives what the program ended with, and ends it when it does not in time.
func (s *Stream) wait(patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.ended:
		return s.err
	case <-timer.C:
		return s.stalled()
	}
}

// stalled ends the backup and gives the cause, as far as restic has said why it tries again and again.
func (s *Stream) stalled() error {
	s.Abort()
	e := &Error{Cause: ConnectionLost, Message: "the location took no data for too long"}
	for _, text := range texts {
		if text.pattern.Match(s.said.kept) {
			e.Cause, e.Message = text.cause, e.Message+": "+text.message
			break
		}
	}
	return e
}
