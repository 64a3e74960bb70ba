package roles

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

const (
	// atOnce is how many of one tenant's CRMs the operator works on at a time.
	atOnce = 32
	// simulatedPeople have accounts in each simulated CRM, at most.
	simulatedPeople = 50
)

// crm is one of many that somebody leaves.
type crm struct {
	connection access.Connection
	// open says whether the leaver's session goes on.
	open func() bool
}

// leaver puts one person out of the real Tryton and of simulated ones, all over TCP and the simulated ones over TLS, by the adapter alone. The
// leaver has an open session in each of them.
func (w *world) leaver(t testing.TB) measured {
	t.Helper()
	login := w.plan.People[0].Login
	session := w.real.Login(t, login, w.passwords[login].Reveal())
	crms := []crm{{connection: w.real.Connection, open: func() bool {
		_, err := session.Read("party.party", []any{}, "id")
		return err == nil
	}}}
	small := w.plan
	small.People = slices.Clone(w.plan.People[:min(simulatedPeople, w.People)])
	for range w.CRMs - 1 {
		crms = append(crms, w.simulated(t, small, login))
	}
	for _, c := range crms {
		require.True(t, c.open(), "before")
	}

	began := time.Now()
	reports, err := putOut(crms, without(w.plan, login))
	took := time.Since(began)
	require.NoError(t, err)
	all := measured{What: "one leaves all CRMs, by the adapter alone", Seconds: took.Seconds(), MostSeconds: 30, MostCalls: 10}
	for _, report := range reports {
		require.Len(t, report.Left, 1)
		all.Calls = max(all.Calls, report.Calls)
	}
	for _, c := range crms {
		require.False(t, c.open(), "the open session")
	}
	return all
}

// simulated gives a simulated Tryton that has the plan, with somebody logged in.
func (w *world) simulated(t testing.TB, plan access.Plan, login string) crm {
	t.Helper()
	s := trytonsim.New(t)
	connection := s.Serve(t)
	connection.Invite = w.invite
	_, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
	require.NoError(t, err)
	session, err := s.Login(login, w.passwords[login].Reveal())
	require.NoError(t, err)
	return crm{connection: connection, open: session.Open}
}

// putOut brings every CRM to a plan without the leaver, some at a time.
func putOut(crms []crm, plan access.Plan) ([]access.Report, error) {
	reports, errs := make([]access.Report, len(crms)), make([]error, len(crms))
	var working sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i := range crms {
		free <- struct{}{}
		working.Go(func() {
			reports[i], errs[i] = tryton.Adapter{}.Bring(context.Background(), crms[i].connection, plan, access.ModePutOut)
			<-free
		})
	}
	working.Wait()
	return reports, errors.Join(errs...)
}
