// Package restic runs the program restic on one repository in a bucket. What is secret reaches the program through its environment,
// never through arguments or files.
package restic

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const program = "restic"

// stopDelay is how long the program may take to remove its lock when a run is cancelled.
const stopDelay = 5 * time.Second

// Repository is where a repository is and what opens it.
type Repository struct {
	// URL as restic takes it, "s3:https://host/bucket/path".
	URL      string
	Region   string
	Password secret.String

	AccessKeyID     string
	SecretAccessKey secret.String

	// CAFile holds the certificates that the server's must come from, PEM. Empty: the system's.
	CAFile string
	// VirtualHost puts the bucket into the host name.
	VirtualHost bool
	// MemoryLimit of the program's heap, in bytes. It slows down rather than exceed it. Default: none.
	MemoryLimit int64
	// Exclude are patterns of what a backup of a folder leaves out at the top of it.
	Exclude []string
	// Host that snapshots are of, so that those of one environment know each other wherever they were made.
	Host string
}

// environment is the whole environment of the program: a variable that happens to be set must not decide.
func (r Repository) environment() []string {
	all := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "TMPDIR=" + os.TempDir(), "LC_ALL=C",
		"RESTIC_REPOSITORY=" + r.URL, "RESTIC_PASSWORD=" + r.Password.Reveal(), "RESTIC_PROGRESS_FPS=1",
		"AWS_ACCESS_KEY_ID=" + r.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + r.SecretAccessKey.Reveal(), "AWS_DEFAULT_REGION=" + r.Region,
	}
	if r.CAFile != "" {
		all = append(all, "RESTIC_CACERT="+r.CAFile)
	}
	if r.MemoryLimit > 0 {
		all = append(all, fmt.Sprintf("GOMEMLIMIT=%d", r.MemoryLimit))
	}
	return all
}

// command makes a command that ends with ctx.
func (r Repository) command(ctx context.Context, arguments ...string) *exec.Cmd {
	lookup := "path"
	if r.VirtualHost {
		lookup = "dns"
	}
	arguments = append([]string{"--json", "--no-cache", "-o", "s3.bucket-lookup=" + lookup}, arguments...)
	cmd := exec.CommandContext(ctx, program, arguments...) //nolint:gosec // a constant program, and the arguments are ours
	cmd.Env = r.environment()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = stopDelay
	// A program that outlived us would take the end of its input for the end of the data.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// run runs the program to its end. out takes what it prints; nil drops that.
func (r Repository) run(ctx context.Context, out io.Writer, arguments ...string) error {
	return execute(ctx, r.command(ctx, arguments...), out)
}

func execute(ctx context.Context, cmd *exec.Cmd, out io.Writer) error {
	said := &tail{}
	cmd.Stdout, cmd.Stderr = out, said
	return explain(ctx, cmd.Run(), said)
}

// Init makes the repository.
func (r Repository) Init(ctx context.Context) error {
	return r.run(ctx, nil, "init", "--repository-version=2")
}

// Unlock removes all locks. Runs on one repository exclude each other, so they were left by one that died.
func (r Repository) Unlock(ctx context.Context) error {
	return r.run(ctx, nil, "unlock", "--remove-all")
}

// Forget removes the snapshots that have any of the tags. It is no error when there are none.
func (r Repository) Forget(ctx context.Context, tags ...string) error {
	arguments := []string{"forget", "--unsafe-allow-remove-all"}
	for _, tag := range tags {
		arguments = append(arguments, "--tag="+tag)
	}
	if len(tags) == 0 {
		return nil // without a tag, it would be all of them
	}
	return r.run(ctx, nil, arguments...)
}

// Prune removes data that no snapshot needs.
func (r Repository) Prune(ctx context.Context) error {
	return r.run(ctx, nil, "prune")
}

// lines gives each whole line that is written to it to handle. Longer lines than maxLine are passed over.
type lines struct {
	handle func(line []byte)
	begun  []byte
	skip   bool
}

const maxLine = 1 << 20

func (l *lines) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			l.begin(p)
			break
		}
		l.begin(p[:end])
		if !l.skip {
			l.handle(l.begun)
		}
		l.begun, l.skip = l.begun[:0], false
		p = p[end+1:]
	}
	return written, nil
}

func (l *lines) begin(p []byte) {
	l.skip = l.skip || len(l.begun)+len(p) > maxLine
	if !l.skip {
		l.begun = append(l.begun, p...)
	}
}
