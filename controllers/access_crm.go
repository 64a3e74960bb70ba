package controllers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/decide"
	"github.com/crmkeep/crmkeep/internal/agent/credential"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/metrics"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/outcome"
	"github.com/crmkeep/crmkeep/internal/status"
	"github.com/crmkeep/crmkeep/internal/vault"
)

const (
	// crmDialTimeout is short: a pod that is gone must not hold up a worker.
	crmDialTimeout = 4 * time.Second
	// crmCallTimeout of one call. The slowest makes a batch of accounts, for each of which the product hashes a password.
	crmCallTimeout = time.Minute
	// crmHeaderBytes bounds the header of an answer.
	crmHeaderBytes = 64 << 10
	// leaversEvery is how often somebody looks for leavers while an adapter is at work.
	leaversEvery = time.Second
)

// crm is the way to a CRM for the time of one pass. It knows the secrets that must not be in what the CRM's answers are quoted in.
type crm struct {
	access.Connection
	secrets []secret.String
	reading *reading
}

// close ends the way, and forgets what came by it.
func (c *crm) close() {
	if c.HTTP != nil {
		c.HTTP.CloseIdleConnections()
	}
	c.reading.end()
}

// bring calls the adapter, and writes what came of it.
func (r *Access) bring(ctx context.Context, w *accessWork) error {
	way, err := r.connect(ctx, w)
	defer way.close()
	if err == nil {
		err = r.lookUp(ctx, w, way)
	}
	if err != nil {
		w.failed = way.classify(err)
		return r.finish(ctx, w, access.Report{})
	}
	if err := r.want(ctx, w); err != nil {
		return err
	}
	r.memory.bringing(w.env.UID, &w.d)
	w.d.Plan.Leaving = decide.StillLeaving(w.env.Status.Access)
	began := r.Clock.Now()
	patient, done := r.untilSomebodyLeaves(ctx, w)
	defer done()
	report, err := w.d.Adapter.Bring(patient, way.Connection, w.d.Plan, w.d.Mode)
	metrics.ObserveAdapter(w.seen.Class.Spec.Adapter, string(w.d.Mode), report.Calls, r.Clock.Now().Sub(began), err)
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // The process ends. The next one finds out what was done.
	}
	if w.failed = way.classify(err); err != nil && errors.Is(context.Cause(patient), errSomebodyLeaves) {
		w.failed = outcome.Wait(v1alpha1.ReasonProgressing, conflictDelay, "the CRM is brought to the role policies; somebody has left meanwhile, and is put out first")
	}
	if err := r.finish(ctx, w, report); err != nil || w.failed != nil {
		return err
	}
	return r.review(ctx, w, way)
}

// errSomebodyLeaves ends a call of the adapter that takes long, such as the first for thousands of people.
var errSomebodyLeaves = errors.New("somebody has left")

// untilSomebodyLeaves is the context for bringing a CRM to its plan. It ends when one of the plan's people is bound no more: the next pass puts
// them out before anything else.
func (r *Access) untilSomebodyLeaves(ctx context.Context, w *accessWork) (patient context.Context, done func()) {
	patient, cancel := context.WithCancelCause(ctx)
	if w.d.Mode != access.ModeApply {
		return patient, func() { cancel(nil) }
	}
	plan, env := w.d.Plan, w.env.DeepCopy()
	go func() {
		ticker := time.NewTicker(leaversEvery)
		defer ticker.Stop()
		for {
			select {
			case <-patient.Done():
				return
			case <-ticker.C:
			}
			if seen, err := r.Observer.Access(patient, env); err == nil && decide.AnyUnbound(&plan, env, seen.Policies, r.Clock.Now()) {
				cancel(errSomebodyLeaves)
			}
		}
	}()
	return patient, func() { cancel(nil) }
}

// lookUp asks once for each version of the product and of the class which of the catalogue's names the CRM does not have.
func (r *Access) lookUp(ctx context.Context, w *accessWork, way *crm) error {
	if !w.d.LookUp || w.d.Mode == access.ModePutOut {
		return nil
	}
	unknown, err := w.d.Adapter.Unknown(ctx, way.Connection, w.d.Plan.Models)
	if err != nil {
		return err
	}
	w.in.Catalogue, w.in.UnknownNames = w.d.Catalogue, unknown[:min(len(unknown), decide.MostUnknownNames)]
	w.d = decide.Decide(w.in)
	return nil
}

// finish forgets the invitations of those who are out, writes what came of a pass, and tells of it.
func (r *Access) finish(ctx context.Context, w *accessWork, report access.Report) error {
	now := r.Clock.Now()
	known := w.env.Status.Access.DeepCopy()
	out, err := r.forget(ctx, w, status.Out(known, &report, w.failed == nil, metav1.NewTime(now)))
	w.failed = errors.Join(w.failed, err)
	r.memory.out(w.env.UID, out)
	pass := status.AccessPass{Decision: &w.d, Began: w.began, Report: report, Out: out, Err: w.failed}
	err = r.write(ctx, w, func(env *v1alpha1.CRMEnvironment) v1alpha1.CRMEnvironmentStatus {
		return status.AccessBrought(env, pass, metav1.NewTime(now))
	})
	if err != nil {
		return err
	}
	if w.failed == nil {
		r.memory.brought(w.env.UID, planKey(&w.d), time.Now().Add(r.spread()))
	}
	r.tell(w, known, &report, out)
	return nil
}

// forget destroys the invitations of those who are out, also when the pass has run out of time. Whose invitation is still there is not done
// with.
func (r *Access) forget(ctx context.Context, w *accessWork, out []v1alpha1.LeaverStatus) (done []v1alpha1.LeaverStatus, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accessWriteTimeout)
	defer cancel()
	for _, l := range out {
		if e := r.Vault.ForgetInvitation(ctx, w.env.Status.Namespace, l.Name); e != nil {
			err = e
			continue
		}
		done = append(done, l)
	}
	return done, err
}

// connect gives the way to the CRM. Its certificate must be of the environment's own component, and no proxy is asked. The way is never nil.
func (r *Access) connect(ctx context.Context, w *accessWork) (*crm, error) {
	way := &crm{reading: r.readings.begin(w.env.Namespace)}
	pem, err := r.Vault.Authorities(ctx)
	if err != nil {
		return way, err
	}
	login, password, err := r.Vault.AdapterAccount(ctx, w.env.Status.Namespace)
	if err != nil {
		return way, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	way.secrets = []secret.String{password}
	way.Connection = access.Connection{
		HTTP: &http.Client{
			Timeout: crmCallTimeout,
			Transport: &countingTransport{reading: way.reading, Transport: &http.Transport{
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					ctx, cancel := context.WithTimeout(ctx, crmDialTimeout)
					defer cancel()
					return r.Dial(ctx, network, address)
				},
				TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout: crmDialTimeout,
				// The default of some mebibytes is what each of the passes would read before anything counts it.
				MaxResponseHeaderBytes: crmHeaderBytes,
			}},
			// What answers runs in a tenant's namespace, and could send the manager anywhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		URL:      "https://" + naming.ServiceHost(w.seen.WebName, w.env.Status.Namespace),
		Database: w.seen.Class.Spec.Database.Name, Login: login, Password: password,
	}
	way.Invite = r.inviter(w, way)
	return way, nil
}

// inviter makes first passwords. Each is in Vault before anybody has it, so that no account is made whose password nobody has.
func (r *Access) inviter(w *accessWork, way *crm) func(context.Context, []string) (map[string]secret.String, error) {
	return func(ctx context.Context, logins []string) (map[string]secret.String, error) {
		passwords := make(map[string]secret.String, len(logins))
		for _, login := range logins {
			password, err := credential.NewPassword()
			if err != nil {
				return nil, err
			}
			err = r.Vault.Invite(ctx, w.env.Status.Namespace, vault.Invitation{
				Login: login, Password: password, Environment: w.env.Namespace + "/" + w.env.Name, URL: w.env.Status.URL, CreatedAt: r.Clock.Now(),
			})
			if err != nil {
				return nil, err
			}
			passwords[login] = password
			way.secrets = append(way.secrets, password)
		}
		return passwords, nil
	}
}

// classify gives an error of the way to the CRM its reason. What Vault says is a wait already. A CRM can be made to quote what it was sent, so
// the secrets are taken out of what it says, and nothing else of the error is kept.
func (c *crm) classify(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := outcome.AsWaiting(err); ok {
		return err
	}
	reason := v1alpha1.ReasonCRMRefused
	var network net.Error
	if errors.Is(err, access.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &network) {
		reason = v1alpha1.ReasonCRMUnreachable
	}
	return outcome.Wait(reason, 0, "%s", c.redact(err.Error()))
}

func (c *crm) redact(text string) string {
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s.Reveal(), s.String())
	}
	return text
}
