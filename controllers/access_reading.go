package controllers

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// Bounds of what CRMs answer. Whoever has taken one over decides what it answers, and a manager without memory puts out nobody anywhere. What
// is read is kept until the end of the pass.
const (
	// readingFree is what each pass may read, whatever others do: some hundred accounts with their rights.
	readingFree = 2 << 20
	// readingPool is what all passes may read beyond that, and readingShare what those of one tenant may: ten thousand accounts with theirs.
	readingPool  = 128 << 20
	readingShare = readingPool / 2
	// readingValue is what a value counts for beside its text, in bytes: a single digit in a list becomes a record as large as others.
	readingValue = 128
)

var errReadTooMuch = errors.New("it answers with more than crmkeep has room for; if it really has as much, split its people over environments")

// readings count what passes have read beyond readingFree, by the tenants' home namespaces.
type readings struct {
	mu    sync.Mutex
	all   int
	taken map[string]int
}

func (r *readings) take(tenant string, size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all+size > readingPool || r.taken[tenant]+size > readingShare {
		return false
	}
	if r.taken == nil {
		r.taken = make(map[string]int)
	}
	r.all += size
	r.taken[tenant] += size
	return true
}

func (r *readings) give(tenant string, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all -= size
	if r.taken[tenant] -= size; r.taken[tenant] <= 0 {
		delete(r.taken, tenant)
	}
}

// reading is what one pass has read. A pass reads one answer at a time.
type reading struct {
	of     *readings
	tenant string
	free   int
	taken  int
}

func (r *readings) begin(tenant string) *reading {
	return &reading{of: r, tenant: tenant, free: readingFree}
}

// add tells whether there was room for what has been read.
func (r *reading) add(content []byte) bool {
	size := len(content) + readingValue*(bytes.Count(content, []byte{','})+bytes.Count(content, []byte{'{'}))
	if size <= r.free {
		r.free -= size
		return true
	}
	size -= r.free
	r.free = 0
	if !r.of.take(r.tenant, size) {
		return false
	}
	r.taken += size
	return true
}

// end gives the room back. Most passes have taken none.
func (r *reading) end() {
	if r.taken > 0 {
		r.of.give(r.tenant, r.taken)
	}
}

// countingTransport counts what answers hold.
type countingTransport struct {
	*http.Transport
	reading *reading
}

// RoundTrip implements http.RoundTripper.
func (t *countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(request)
	if err == nil {
		response.Body = &countedBody{response.Body, t.reading}
	}
	return response, err
}

type countedBody struct {
	io.ReadCloser
	reading *reading
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if !b.reading.add(p[:n]) {
		return n, errReadTooMuch
	}
	return n, err
}
