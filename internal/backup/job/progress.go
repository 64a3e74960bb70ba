package job

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/crmkeep/crmkeep/internal/backup/result"
)

// Progress of a run and how long its stages took. It is safe for concurrent use.
type Progress struct {
	mu      sync.Mutex
	now     result.Progress
	since   time.Time
	seconds map[string]float64
}

func newProgress() *Progress {
	return &Progress{now: result.Progress{Stage: result.StagePrepare}, since: time.Now(), seconds: map[string]float64{}}
}

// Stage begins a stage.
func (p *Progress) Stage(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
	p.now.Stage = name
}

// Total tells how many bytes there are to do, as far as that is known.
func (p *Progress) Total(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.BytesTotal = bytes
}

// Done tells how many bytes are done so far.
func (p *Progress) Done(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.BytesDone = bytes
}

// Seconds that each stage took, up to now.
func (p *Progress) Seconds() map[string]float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close()
	return maps.Clone(p.seconds)
}

// close adds what the stage took so far, in milliseconds' precision.
func (p *Progress) close() {
	now := time.Now()
	p.seconds[p.now.Stage] += now.Sub(p.since).Round(time.Millisecond).Seconds()
	p.since = now
}

// serve answers GET /progress until stop is called.
func (p *Progress) serve(listener net.Listener) (stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /progress", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		now := p.now
		p.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(now)
	})
	server := &http.Server{Handler: mux, ReadTimeout: 3 * time.Second, WriteTimeout: 6 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 4 << 10}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }
}
