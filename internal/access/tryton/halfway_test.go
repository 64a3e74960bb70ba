package tryton_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

// broken is a connection that breaks at one of its writes.
type broken struct {
	http.RoundTripper
	writes int
}

var errBroken = errors.New("the connection broke")

func (b *broken) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	for _, method := range []string{".create", ".write", ".delete", ".cancel"} {
		if bytes.Contains(body, []byte(method+`"`)) {
			if b.writes--; b.writes < 0 {
				return nil, errBroken
			}
		}
	}
	return b.RoundTripper.RoundTrip(request)
}

func TestWorkThatBreaksOffAnywhereOpensNothingAndIsFinishedLater(t *testing.T) {
	w := newWorld(t)
	narrow, wide := salesPlan(), salesPlan()
	// The other plan takes the comment from managers, opens all opportunities and their comments to representatives, and has others as people.
	wide.Roles[1].Grants[3] = full("sale.opportunity", access.ScopeOwn, hidden("comment"))
	wide.Roles[2].Grants[3] = full("sale.opportunity", access.ScopeAll)
	wide.Roles[2].Grants[4] = full("sale.opportunity.line", access.ScopeAll)
	wide.People[1].Roles = []string{"sales.clerk"}
	w.bring(narrow)
	w.opportunity(w.as(mia), bo, "secret")

	sees := func(login string) (records int, comments bool) {
		session := w.as(login)
		rows, err := session.Read("sale.opportunity", []any{}, "id")
		if err == nil {
			records = len(rows)
		}
		rows, err = session.Read("sale.opportunity", []any{}, "comment")
		return records, err == nil && len(rows) > 0
	}
	broke := 0
	for n := 0; ; n++ {
		// Odd turns go back, each a write further.
		plan := wide
		if n%2 == 1 {
			plan = narrow
		}
		connection := w.Connection
		connection.HTTP = &http.Client{Transport: &broken{RoundTripper: http.DefaultTransport, writes: n}}
		report, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
		if err == nil {
			break
		}
		broke++
		require.ErrorIs(t, err, tryton.ErrUnreachable)
		assert.Less(t, len(report.Applied), len(report.Differences))
		records, comments := sees(li)
		assert.False(t, records > 0 || comments, "write %d: li, who sees nothing under either plan, sees %d", n, records)
		if records, comments = sees(mia); comments {
			assert.NotZero(t, records)
		}
		w.bring(plan)
	}
	t.Logf("broke off %d times", broke)
	assert.GreaterOrEqual(t, broke, 4)
}

func TestWhoeverIsInvitedCanLogInWhereverTheWorkWasKilled(t *testing.T) {
	for name, fault := range map[string]func(int) trytonsim.Fault{"before a write": trytonsim.Killed, "after a write that nobody heard of": trytonsim.Lost} {
		t.Run(name, func(t *testing.T) {
			broke := 0
			for writes := 0; ; writes++ {
				w := &world{t: t, passwords: map[string]string{}}
				s := trytonsim.New(t)
				connection := s.Serve(t)
				connection.Invite = w.invite
				s.Fail(fault(writes))
				if _, err := (tryton.Adapter{}).Bring(context.Background(), connection, salesPlan(), access.ModeApply); err == nil {
					break
				}
				broke++
				s.Fail(trytonsim.None())
				_, err := tryton.Adapter{}.Bring(context.Background(), connection, salesPlan(), access.ModeApply)
				require.NoError(t, err)
				again, err := tryton.Adapter{}.Bring(context.Background(), connection, salesPlan(), access.ModeApply)
				require.NoError(t, err)
				require.Empty(t, again.Differences)
				for _, login := range []string{bo, li, mia} {
					_, err := s.Login(login, w.passwords[login])
					require.NoError(t, err, "%s after %d writes", login, writes)
				}
			}
			assert.GreaterOrEqual(t, broke, 10)
		})
	}
}
