package tryton_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

// first gives everybody the same first password.
func first(_ context.Context, logins []string) (map[string]secret.String, error) {
	given := map[string]secret.String{}
	for _, login := range logins {
		given[login] = secret.New("Kx7 mPq2 first one")
	}
	return given, nil
}

func TestAFirstPasswordIsVerifiedQuicklyAndAnotherOneHashedSlowly(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	const chosen = "Wx8kPq2mZr5vTn7y of my own"
	rep := w.as(li)
	quick := w.timeOfLogin(bo, w.passwords[bo])
	rep.Must(t, "model.res.user.set_preferences", nil, map[string]any{"password": chosen})
	_, err := w.TryLogin(li, w.passwords[li])
	require.Error(t, err, "the first password")
	slow := w.timeOfLogin(li, chosen)
	t.Logf("a login takes %s with the first password and %s with another one", quick, slow)
	assert.Greater(t, slow, quick+50*time.Millisecond)

	// Somebody with the rights may still set one in Tryton's screens.
	w.Admin.Must(t, "model.res.user.write", nil, []int{rep.ID}, map[string]any{"password": "Rr3sPq2mZr5vTn7y of theirs"})
	w.Login(t, li, "Rr3sPq2mZr5vTn7y of theirs")
	w.bring(salesPlan())
}

// timeOfLogin gives the shortest of several.
func (w *world) timeOfLogin(login, password string) time.Duration {
	shortest := time.Hour
	for range 5 {
		began := time.Now()
		w.Login(w.t, login, password)
		shortest = min(shortest, time.Since(began))
	}
	return shortest
}

func TestNobodyReadsOrFindsAHashOfAPassword(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	operator := w.Login(t, access.OperatorLogin, w.Connection.Password.Reveal())
	for name, s := range map[string]*trytontest.Session{"a representative": w.as(li), "the administrator": w.Admin, "crmkeep": operator} {
		var ids []int
		domain := []any{[]any{"password_hash", "like", "$pbkdf2-sha512$%"}}
		require.Error(t, s.Call("model.res.user.search", &ids, domain, 0, nil, nil), "%s searches by it", name)
		require.Error(t, s.Call("model.res.user.search_count", nil, domain), "%s counts by it", name)
		require.Error(t, s.Call("model.res.user.search", &ids, []any{}, 0, nil, []any{[]any{"password_hash", "ASC"}}), "%s orders by it", name)
		require.Error(t, s.Call("model.res.user.read", nil, []int{s.ID}, []string{"password_hash"}), "%s reads it", name)
		require.Error(t, s.Call("model.res.user.export_data", nil, []int{s.ID}, []any{"password_hash"}), "%s exports it", name)
		require.Error(t, s.Call("model.res.group.search", &ids, []any{[]any{"users.password_hash", "like", "$%"}}, 0, nil, nil), "%s searches groups by it", name)
		require.Error(t, s.Call("model.res.group.read", nil, []int{1}, []string{"users.password_hash"}), "%s reads it of members", name)
	}
}

func TestFailedLoginsOfOthersDoNotKeepCrmkeepOut(t *testing.T) {
	w := newWorld(t)
	// At once, as Tryton lets each wait longer than the last.
	var trying sync.WaitGroup
	for range 8 {
		trying.Go(func() { _, _ = w.TryLogin(access.OperatorLogin, "wrong") })
	}
	trying.Wait()
	_, err := w.TryLogin(access.OperatorLogin, w.Connection.Password.Reveal())
	require.Error(t, err, "without the device, Tryton takes no password of the account")
	w.bring(salesPlan())
}

func TestNoAccountIsMadeWithoutAnInvitation(t *testing.T) {
	away := errors.New("Vault is sealed")
	for name, invite := range map[string]func(context.Context, []string) (map[string]secret.String, error){
		"it cannot be handed over": func(context.Context, []string) (map[string]secret.String, error) { return nil, away },
		"there is none for somebody": func(context.Context, []string) (map[string]secret.String, error) {
			return map[string]secret.String{bo: secret.New("Kx7 mPq2 first one")}, nil
		},
		"it can be guessed": func(context.Context, []string) (map[string]secret.String, error) {
			return map[string]secret.String{bo: secret.New("correct horse"), li: secret.New("correct horse"), mia: secret.New("correct horse")}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := trytonsim.New(t)
			connection := s.Serve(t)
			connection.Invite = invite
			report, err := tryton.Adapter{}.Bring(context.Background(), connection, salesPlan(), access.ModeApply)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "correct horse")
			assert.Empty(t, report.Invited)
			assert.Nil(t, s.Account(bo))

			connection.Invite = first
			report, err = tryton.Adapter{}.Bring(context.Background(), connection, salesPlan(), access.ModeApply)
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{bo, li, mia}, report.Invited)
		})
	}
}
