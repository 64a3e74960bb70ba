package agent

import (
	"context"
	"maps"
	"time"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/credential"
	"github.com/crmkeep/crmkeep/internal/agent/health"
	"github.com/crmkeep/crmkeep/internal/agent/render"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// keep makes the pod ready for its application and then renews its certificate, until ctx ends.
func (a *agent) keep(ctx context.Context) error {
	if !a.persist(ctx, a.provision) {
		return ctx.Err()
	}
	a.setWaiting(nil)
	close(a.provisioned)
	for a.awaitRenewal(ctx) && a.persist(ctx, a.renew) {
	}
	return ctx.Err()
}

// awaitRenewal returns true when a new certificate is due, and false when ctx ended. It looks at the clock now and then: a timer
// stands still while the machine is suspended, and the life of a certificate does not.
func (a *agent) awaitRenewal(ctx context.Context) bool {
	due := a.keeper.Current().RenewAt
	for time.Now().Before(due) {
		if !sleep(ctx, min(time.Until(due), time.Minute)) {
			return false
		}
	}
	return true
}

// persist repeats step until it succeeds, and says what it waits for whenever that changes. It returns false when ctx ended.
func (a *agent) persist(ctx context.Context, step func(context.Context) error) bool {
	var pause backoff
	for {
		err := step(ctx)
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			if a.logged.To("") {
				a.log.Info("The wait is over")
			}
			return true
		}
		a.say(err)
		if !pause.wait(ctx) {
			return false
		}
	}
}

func (a *agent) say(err error) {
	if *a.waiting.Load() != nil {
		a.setWaiting(err)
	}
	issued := a.keeper.Current()
	expired := issued != nil && issued.Expired(time.Now())
	state := err.Error()
	if expired {
		state = ReasonCertificateExpired + ": " + state
	}
	if !a.logged.To(state) {
		return
	}
	log := a.log.With("reason", health.Reason(err), "error", err)
	switch {
	case expired:
		log.Error("The certificate has expired and cannot be renewed: new connections fail", "notAfter", issued.Leaf.NotAfter)
	case issued != nil:
		log.Warn("The certificate cannot be renewed yet; it is still good", "notAfter", issued.Leaf.NotAfter)
	default:
		log.Warn("Waiting")
	}
}

// provision is the first round: everything that the application needs before it starts.
func (a *agent) provision(ctx context.Context) error {
	if err := a.renew(ctx); err != nil {
		return err
	}
	secrets, err := a.secrets(ctx)
	if err != nil {
		return err
	}
	if err := render.Application(a.files, a.config, secrets); err != nil {
		return err
	}
	return render.Ready(a.files)
}

// renew gets a certificate when one is due and puts it where it is used. What a failed round has done already is not done again.
func (a *agent) renew(ctx context.Context) error {
	if issued := a.keeper.Current(); issued == nil || !time.Now().Before(issued.RenewAt) {
		if err := a.keeper.Renew(ctx, a.vault); err != nil {
			return err
		}
		issued = a.keeper.Current()
		a.log.Info("The certificate is signed", "serial", issued.Leaf.SerialNumber.Text(16), "notAfter", issued.Leaf.NotAfter)
	}
	if !a.config.Certificate.WriteFiles {
		return nil
	}
	if err := a.writeCertificate(); err != nil {
		return err
	}
	if a.postgres != nil {
		a.postgres.Reload()
	}
	return nil
}

func (a *agent) writeCertificate() error {
	key, err := a.keeper.Key()
	if err != nil {
		return err
	}
	issued := a.keeper.Current()
	return render.Certificate(a.files, issued.ChainPEM, issued.CAPEM, key)
}

func (a *agent) secrets(ctx context.Context) (map[string]secret.String, error) {
	all := map[string]secret.String{}
	if a.config.DataKey != nil {
		values, err := credential.DataKey(ctx, a.vault, *a.config.DataKey)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, values)
	}
	for _, account := range []struct {
		name string
		at   *config.Account
	}{{"admin", a.config.Admin}, {"adapter", a.config.Adapter}} {
		if account.at == nil {
			continue
		}
		values, err := credential.Account(ctx, a.vault, account.name, *account.at)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, values)
	}
	return all, nil
}
