package restore

import (
	"context"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/crmkeep/crmkeep/internal/backup/database"
	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// unreadableError says that a location does not give back what the manifest says, so that another may be tried.
type unreadableError struct{ error }

func (e *unreadableError) Unwrap() error { return e.error }

// read loads the database of one location, and stages its files while the database is verified and analyzed.
func (r *restore) read(ctx context.Context, s *source, m manifest.Manifest) error {
	content, err := r.database(ctx, s)
	if err != nil {
		return err
	}
	if differences := contentOf(m).Differences(content, maxDifferences); len(differences) > 0 {
		return &unreadableError{failf(ReasonVerifyFailed, "the dump is not what was backed up: %s", strings.Join(differences, "; "))}
	}
	group, together := errgroup.WithContext(ctx)
	group.Go(func() error { return r.files(together, s, m, content.Bytes) })
	group.Go(func() error { return r.verify(together, m, content) })
	group.Go(func() error { return fail(ReasonLoadFailed, database.Analyze(together, r.server)) })
	return group.Wait()
}

// files stages those of one location. done is how many bytes were read before.
func (r *restore) files(ctx context.Context, s *source, m manifest.Manifest, done int64) error {
	for i, v := range m.Volumes {
		folder, err := r.volumes[v.Name].Stage()
		if err != nil {
			return err
		}
		told := func(bytes int64) { r.Progress.Done(done + bytes) }
		if err := s.repository.Restore(ctx, s.record.Volumes[i], folder, told); err != nil {
			return &unreadableError{err}
		}
		done += v.Bytes
		r.Progress.Done(done)
	}
	r.Progress.Stage(result.StageVerify)
	return nil
}

// database loads the dump while it is read.
func (r *restore) database(ctx context.Context, s *source) (database.Content, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	from, to := io.Pipe()
	var broken error
	ended := make(chan struct{})
	go func() {
		broken = s.repository.Dump(reading, s.record.Database, manifest.DatabaseFile, &counted{to: to, told: r.Progress.Done})
		// In this order: who sees the end of the data can ask why.
		close(ended)
		_ = to.CloseWithError(broken)
	}()
	content, err := database.Load(ctx, r.server, from)
	select {
	case <-ended:
		if broken != nil {
			return content, &unreadableError{broken}
		}
	default: // it is the database that did not go on
		stop()
		_ = from.CloseWithError(io.ErrClosedPipe)
		<-ended
	}
	return content, fail(ReasonLoadFailed, err)
}

// counted tells how many bytes went through.
type counted struct {
	to    io.Writer
	bytes int64
	told  func(bytes int64)
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	c.told(c.bytes)
	return n, err
}
