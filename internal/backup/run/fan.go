package run

import (
	"context"
	"errors"

	"github.com/crmkeep/crmkeep/internal/backup/manifest"
	"github.com/crmkeep/crmkeep/internal/backup/restic"
)

var errNoneLeft = errors.New("no location takes the data any more")

// fan passes a dump to the streams of all parts. A part whose stream fails falls out, and the others go on.
type fan struct {
	streams map[*part]*restic.Stream
	parts   parts
	written int64
	told    func(bytes int64)
}

func newFan(ctx context.Context, all parts, id string, told func(bytes int64)) *fan {
	f := &fan{streams: map[*part]*restic.Stream{}, parts: all, told: told}
	for _, p := range all.left() {
		var stream *restic.Stream
		if stream, p.err = p.repository.Stream(ctx, patience, manifest.DatabaseFile, tag(id)); p.err == nil {
			f.streams[p] = stream
		}
	}
	return f
}

// Write implements io.Writer. Its error says that no part is left.
func (f *fan) Write(data []byte) (int, error) {
	left := false
	for _, p := range f.parts {
		if p.err != nil {
			continue
		}
		if _, p.err = f.streams[p].Write(data); p.err != nil {
			f.streams[p].Abort()
			continue
		}
		left = true
	}
	if !left {
		return 0, errNoneLeft
	}
	f.written += int64(len(data))
	f.told(f.written)
	return len(data), nil
}

// abort ends all streams without a snapshot.
func (f *fan) abort() {
	for _, stream := range f.streams {
		stream.Abort()
	}
}

// close ends the data and keeps the snapshots.
func (f *fan) close(ctx context.Context) {
	f.parts.each(ctx, func(_ context.Context, p *part) (err error) {
		p.database, err = f.streams[p].Close()
		return err
	})
}
