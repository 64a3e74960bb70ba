package apitest

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"k8s.io/client-go/rest"
)

// ErrCut is what a client gets for a write that a [Recorder] cut off.
var ErrCut = errors.New("the connection was cut before this write")

// Request is what a client asked of the API server.
type Request struct {
	Method string
	Path   string
	Query  string
	// Status is the HTTP status of the answer; 0 when the request was cut off or failed on its way.
	Status int
}

// String reads as in an access log.
func (r Request) String() string { return fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status) }

// Recorder records the requests of the clients made from its configuration, and can cut them off.
type Recorder struct {
	mu       sync.Mutex
	requests []Request
	// left counts the writes that may still pass; nil means all.
	left *int
}

// Record gives a copy of a configuration whose clients are recorded.
func Record(config *rest.Config) (*rest.Config, *Recorder) {
	recorder := &Recorder{}
	recorded := rest.CopyConfig(config)
	recorded.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) { return recorder.pass(next, request) })
	})
	return recorded, recorder
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (r *Recorder) pass(next http.RoundTripper, request *http.Request) (*http.Response, error) {
	if isWrite(request.Method) && !r.mayWrite() {
		return nil, ErrCut
	}
	response, err := next.RoundTrip(request)
	record := Request{Method: request.Method, Path: request.URL.Path, Query: request.URL.RawQuery}
	if response != nil {
		record.Status = response.StatusCode
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, record)
	return response, err
}

func (r *Recorder) mayWrite() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		return true
	}
	*r.left--
	return *r.left >= 0
}

// CutAfter lets n more writes pass and fails all later ones before they leave, as if the process had died.
func (r *Recorder) CutAfter(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = &n
}

// Reset forgets what was recorded and lets all writes pass.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.left = nil, nil
}

// Requests lists what was asked since the last Reset, in the order of the answers.
func (r *Recorder) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), r.requests...)
}

// Writes lists the requests that could change something.
func (r *Recorder) Writes() []Request {
	var writes []Request
	for _, request := range r.Requests() {
		if isWrite(request.Method) {
			writes = append(writes, request)
		}
	}
	return writes
}

func isWrite(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
