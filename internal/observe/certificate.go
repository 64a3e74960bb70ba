package observe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

const (
	// handshakeTimeout is how long an application may take to answer.
	handshakeTimeout = 2 * time.Second
	// handshakeEvery is how often an environment is asked whose certificate is good: its pods may have been replaced.
	handshakeEvery = 10 * time.Minute
	// handshakeSoon is how often one is asked that has not answered, or whose certificate should have been renewed.
	handshakeSoon = time.Minute
	// handshakeAgain is how soon one is asked again that has never answered, twice as late each time: it is ready before the network has it.
	handshakeAgain = time.Second
	// handshakesAtOnce bounds how many are asked at the same time, and questionsWaiting how many more wait for their turn. What finds
	// no room is asked by its next pass.
	handshakesAtOnce = 8
	questionsWaiting = 1024
	// authoritiesFor is how long the CA certificates serve all environments.
	authoritiesFor = time.Minute
)

// Certificates asks applications for the certificate that they answer with now. It asks beside the passes: the answer is for people to
// see, and a pass over one environment must not wait for the application of another that does not answer.
type Certificates struct {
	authorities func(context.Context) ([]byte, error)
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	now         func() time.Time

	questions chan question
	answered  chan event.GenericEvent

	mu    sync.Mutex
	known map[types.UID]asked
	// roots are the CA certificates, which were read at rootsAt.
	roots   *x509.CertPool
	rootsAt time.Time
}

// question is what an application is asked.
type question struct {
	environment types.NamespacedName
	uid         types.UID
	host        string
	// known is when the certificate ends that was seen before.
	known *time.Time
}

// asked is when an environment's application was asked, and when the certificate ends with which it answered, if that was news.
type asked struct {
	at      time.Time
	expires *time.Time
	// failed counts the times that one has not answered that never has.
	failed int
}

// pause is how long one is left alone that never answered.
func (a asked) pause() time.Duration { return min(handshakeAgain<<min(a.failed, 8), handshakeSoon) }

// NewCertificates makes one that asks once it is started. Authorities gives the CA certificates, PEM; dial connects to the address of a
// Service.
func NewCertificates(
	authorities func(context.Context) ([]byte, error), dial func(ctx context.Context, network, address string) (net.Conn, error), now func() time.Time,
) *Certificates {
	return &Certificates{
		authorities: authorities, dial: dial, now: now,
		questions: make(chan question, questionsWaiting), answered: make(chan event.GenericEvent, questionsWaiting), known: make(map[types.UID]asked),
	}
}

// Answered brings the environments of which there is news.
func (c *Certificates) Answered() <-chan event.GenericEvent { return c.answered }

// Start asks until the context ends.
func (c *Certificates) Start(ctx context.Context) error {
	var workers sync.WaitGroup
	for range handshakesAtOnce {
		workers.Go(func() { c.work(ctx) })
	}
	workers.Wait()
	return nil
}

// Expires is when the certificate of an environment's application ends, or nil when there is no news of it. It does not wait: when it is time to
// ask again, that is begun. Known is what was seen before; renewed is how long before its end it is renewed.
func (c *Certificates) Expires(env *v1alpha1.CRMEnvironment, host string, known *time.Time, renewed time.Duration) *time.Time {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.known[env.UID]
	pause := handshakeSoon
	switch {
	case known == nil && last.expires == nil:
		pause = last.pause()
	case known != nil && now.Before(known.Add(-renewed)):
		pause = handshakeEvery
	}
	if ok && now.Before(last.at.Add(pause)) {
		return last.expires
	}
	name := types.NamespacedName{Namespace: env.Namespace, Name: env.Name}
	select {
	case c.questions <- question{environment: name, uid: env.UID, host: host, known: known}:
		c.known[env.UID] = asked{at: now, expires: last.expires, failed: last.failed}
	default:
	}
	return last.expires
}

// Forget an environment that is gone.
func (c *Certificates) Forget(environment types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, environment)
}

func (c *Certificates) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-c.questions:
			c.ask(ctx, q)
		}
	}
}

// ask notes an answer that is news, and has the environment looked at.
func (c *Certificates) ask(ctx context.Context, q question) {
	expires := c.handshake(ctx, q.host)
	if expires == nil && q.known == nil {
		c.askAgain(ctx, q)
	}
	if expires == nil || q.known != nil && expires.Equal(*q.known) {
		return
	}
	c.mu.Lock()
	if last, ok := c.known[q.uid]; ok {
		c.known[q.uid] = asked{at: last.at, expires: expires}
	}
	c.mu.Unlock()
	c.tell(ctx, q)
}

// askAgain has an environment looked at when it is time to ask it again, since nothing else may happen to it.
func (c *Certificates) askAgain(ctx context.Context, q question) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.known[q.uid]
	if !ok {
		return // It is gone.
	}
	last.failed++
	c.known[q.uid] = last
	time.AfterFunc(last.pause(), func() { c.tell(ctx, q) })
}

func (c *Certificates) tell(ctx context.Context, q question) {
	env := &v1alpha1.CRMEnvironment{ObjectMeta: metav1.ObjectMeta{Namespace: q.environment.Namespace, Name: q.environment.Name}}
	select {
	case c.answered <- event.GenericEvent{Object: env}:
	case <-ctx.Done():
	}
}

// handshake gives when the certificate ends, or nil when there is no good answer in time.
func (c *Certificates) handshake(ctx context.Context, host string) *time.Time {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	roots, err := c.trusted(ctx)
	if err != nil {
		return nil
	}
	raw, err := c.dial(ctx, "tcp", net.JoinHostPort(host, "443"))
	if err != nil {
		return nil
	}
	defer raw.Close() //nolint:errcheck // nothing was written
	conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12})
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil
	}
	return &conn.ConnectionState().PeerCertificates[0].NotAfter
}

// trusted gives the CA certificates.
func (c *Certificates) trusted(ctx context.Context) (*x509.CertPool, error) {
	c.mu.Lock()
	roots, at, now := c.roots, c.rootsAt, c.now()
	c.mu.Unlock()
	if roots != nil && now.Before(at.Add(authoritiesFor)) {
		return roots, nil
	}
	pem, err := c.authorities(ctx)
	if err != nil {
		return nil, err
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roots, c.rootsAt = roots, now
	return roots, nil
}
