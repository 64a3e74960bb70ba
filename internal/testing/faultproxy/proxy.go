// Package faultproxy stands between a client and a server of HTTP. It records what passes, and does harm where a test says so: it
// answers in the server's place, is slow, loses requests or answers, and cuts watches.
package faultproxy

import (
	"context"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Request is what a client asked.
type Request struct {
	Method string
	Path   string
	// Status of the answer that the client got; 0 while there is none, and when it was lost.
	Status int
}

// String reads as in an access log.
func (r Request) String() string { return fmt.Sprintf("%s %s %d", r.Method, r.Path, r.Status) }

// IsWrite tells whether the request could change something.
func (r Request) IsWrite() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, "LIST":
		return false
	}
	return true
}

// Fault is what becomes of one request, in the order of the fields. The zero value lets it pass.
type Fault struct {
	// Delay holds the request up.
	Delay time.Duration
	// Before is called when the request has come.
	Before func()
	// LoseRequest hangs up without asking the server.
	LoseRequest bool
	// Answer is given without asking the server, or with LoseAnswer after it has done what was asked.
	Answer *Answer
	// After is called when the server has answered.
	After func()
	// LoseAnswer keeps the server's answer from the client: it gets Answer, or else the connection ends.
	LoseAnswer bool
}

// Answer is a forged one.
type Answer struct {
	Status int
	// RetryAfter in seconds; 0 for none.
	RetryAfter  int
	ContentType string
	Body        string
}

// Proxy passes requests on. Its methods are safe for concurrent use.
type Proxy struct {
	// URL is where clients find it, over TLS.
	URL string
	// CA is the certificate, PEM, that it is known by.
	CA string

	upstream *httputil.ReverseProxy

	mu       sync.Mutex
	rule     func(Request) Fault
	requests []*Request
	watches  map[*http.Request]context.CancelFunc
}

// Start serves until the test ends. The transport carries what the server knows the client by.
func Start(t testing.TB, upstream string, transport http.RoundTripper) *Proxy {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{watches: map[*http.Request]context.CancelFunc{}}
	p.upstream = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // Watches.
		// A server that is away shows as it would without a proxy.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(discard{}, "", 0),
	}
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = log.New(discard{}, "", 0)
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p.URL = server.URL
	p.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	return p
}

// discard keeps hung-up connections, which are what is wanted, out of the test's output.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Use sets the rule for all later requests; nil lets all pass. It is called for one request at a time.
func (p *Proxy) Use(rule func(Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

// Reset forgets what has passed.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// Requests lists what was asked since the last Reset, in the order of the questions.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Request, len(p.requests))
	for i, r := range p.requests {
		all[i] = *r
	}
	return all
}

// Writes lists the requests that could change something.
func (p *Proxy) Writes() []Request {
	var writes []Request
	for _, r := range p.Requests() {
		if r.IsWrite() {
			writes = append(writes, r)
		}
	}
	return writes
}

// CutWatches ends all streams that are open, and tells how many there were.
func (p *Proxy) CutWatches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cut := range p.watches {
		cut()
	}
	return len(p.watches)
}

// ServeHTTP passes one request on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	record, fault := p.judge(r)
	if fault.Delay > 0 && !delay(r.Context(), fault.Delay) {
		panic(http.ErrAbortHandler)
	}
	if fault.Before != nil {
		fault.Before()
	}
	if fault.LoseRequest {
		panic(http.ErrAbortHandler)
	}
	if fault.LoseAnswer || fault.Answer == nil {
		p.pass(w, r, record, fault)
	}
	if fault.Answer != nil {
		p.note(record, fault.Answer.Status)
		fault.Answer.write(w)
	}
}

// pass asks the server.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, record *Request, fault Fault) {
	if fault.LoseAnswer {
		p.upstream.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
	} else {
		defer p.track(&r)()
		p.upstream.ServeHTTP(&noting{ResponseWriter: w, note: func(status int) { p.note(record, status) }}, r)
	}
	if fault.After != nil {
		fault.After()
	}
	if fault.LoseAnswer && fault.Answer == nil {
		panic(http.ErrAbortHandler)
	}
}

func (p *Proxy) judge(r *http.Request) (*Request, Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	record := &Request{Method: r.Method, Path: r.URL.Path}
	p.requests = append(p.requests, record)
	if p.rule == nil {
		return record, Fault{}
	}
	return record, p.rule(*record)
}

func (p *Proxy) note(record *Request, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	record.Status = status
}

// track makes a watch one that can be cut.
func (p *Proxy) track(r **http.Request) (done func()) {
	if !strings.Contains((*r).URL.RawQuery, "watch=") {
		return func() {}
	}
	ctx, cancel := context.WithCancel((*r).Context())
	*r = (*r).WithContext(ctx)
	key := *r
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches[key] = cancel
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, key)
		cancel()
	}
}

func (a Answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.ContentType)
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.RetryAfter))
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(a.Body))
}

// delay tells whether the client was still there at its end.
func delay(ctx context.Context, how time.Duration) bool {
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// noting tells the status of an answer.
type noting struct {
	http.ResponseWriter
	note func(status int)
}

func (n *noting) WriteHeader(status int) {
	n.note(status)
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap lets answers be flushed.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }
