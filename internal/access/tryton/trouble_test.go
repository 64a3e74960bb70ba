package tryton_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
)

// disturbed does something before one of the calls.
type disturbed struct {
	http.RoundTripper
	calls   int
	disturb func(*http.Request)
}

func (d *disturbed) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.calls--; d.calls == 0 {
		d.disturb(r)
	}
	return d.RoundTripper.RoundTrip(r)
}

func TestATrytonThatIsRestartedInTheMiddleIsBroughtToThePlan(t *testing.T) {
	w := newWorld(t)
	restarts := 0
	for _, call := range []int{2, 6, 9, 12} {
		connection := w.Connection
		connection.HTTP = &http.Client{Transport: &disturbed{RoundTripper: &http.Transport{}, calls: call, disturb: func(*http.Request) {
			restarts++
			_, err := w.Run(t, "Wx8kPq2mZr5vTn7yQa3s", "true")
			assert.NoError(t, err)
		}}}
		plan := salesPlan()
		if call%2 == 1 {
			plan = without(plan, li)
		}
		_, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
		if err != nil {
			assert.ErrorIs(t, err, tryton.ErrUnreachable)
		}
		w.bring(plan)
	}
	assert.GreaterOrEqual(t, restarts, 3)
	_, err := w.as(bo).Read("party.party", []any{}, "name")
	require.NoError(t, err)
}

func TestATrytonThatDoesNotAnswerInTimeIsGivenUpAndFinishedLater(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	connection := w.Connection
	connection.HTTP = &http.Client{Timeout: 200 * time.Millisecond, Transport: &disturbed{RoundTripper: &http.Transport{}, calls: 9, disturb: func(r *http.Request) {
		<-r.Context().Done() // as long as a caller waits
	}}}
	_, err := tryton.Adapter{}.Bring(ctx, connection, salesPlan(), access.ModeApply)
	cancel()
	require.ErrorIs(t, err, tryton.ErrUnreachable)
	w.bring(salesPlan())
}

func TestPeopleMayHaveAnyNameThatAPolicyMayHave(t *testing.T) {
	w := newWorld(t)
	logins := []string{
		`Robert'); DROP TABLE res_user;--@acme.example`, `o'neil "the rep" \@acme.example`, "李娜", "محمد", "100%_of@acme.example",
		strings.Repeat("very.long.", 12) + "name@acme.example", "bo@acme.example ",
	}
	plan := salesPlan()
	plan.People = nil
	for _, login := range logins {
		plan.People = append(plan.People, person(login, "sales.rep"))
	}
	w.bring(plan)
	manager := plan
	manager.People = append(plan.People, person(mia, "sales.manager"))
	w.bring(manager)
	for _, login := range logins {
		s, err := w.TryLogin(login, w.passwords[login])
		require.NoError(t, err, "%q", login)
		rows, err := s.Read("sale.opportunity", []any{}, "description")
		require.NoError(t, err)
		assert.Empty(t, rows)
	}
	left := w.bring(without(manager, logins[0]))
	require.Len(t, left.Left, 1)
	_, err := w.TryLogin(logins[0], w.passwords[logins[0]])
	require.Error(t, err)
	for _, login := range logins[1:] {
		_, err := w.TryLogin(login, w.passwords[login])
		require.NoError(t, err, "%q is another person", login)
	}
}

func TestANewAddressIsWrittenToTheAccount(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	moved := salesPlan()
	moved.People[1].Email = "li.na@elsewhere.example"
	w.bring(moved)
	users, err := w.Admin.Read("res.user", []any{[]any{"login", "=", li}}, "email")
	require.NoError(t, err)
	assert.Equal(t, "li.na@elsewhere.example", users[0]["email"])
}
