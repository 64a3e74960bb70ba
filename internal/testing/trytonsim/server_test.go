package trytonsim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

const (
	li       = "li.na@acme.example"
	password = "Kx7 mPq2 first one"
)

// plan has one person with one role.
func plan() access.Plan {
	return access.Plan{
		Models: []access.Model{{Name: "party.party"}},
		Roles:  []access.Role{{Name: "sales.rep", Grants: []access.Grant{{Model: "party.party", Read: access.ScopeAll}}}},
		People: []access.Person{{Login: li, DisplayName: "Li Na", Roles: []string{"sales.rep"}}},
		Exempt: []string{trytonsim.Admin},
	}
}

func serve(t *testing.T, s *trytonsim.Server) access.Connection {
	connection := s.Serve(t)
	connection.Invite = func(_ context.Context, logins []string) (map[string]secret.String, error) {
		given := map[string]secret.String{}
		for _, login := range logins {
			given[login] = secret.New(password)
		}
		return given, nil
	}
	return connection
}

func bring(to access.Connection, plan access.Plan) (access.Report, error) {
	return tryton.Adapter{}.Bring(context.Background(), to, plan, access.ModeApply)
}

func TestWhatIsWrittenIsKeptAndPeopleLogInUntilTheyAreOut(t *testing.T) {
	s := trytonsim.New(t)
	connection := serve(t, s)
	_, err := bring(connection, plan())
	require.NoError(t, err)
	account := s.Account(li)
	require.NotNil(t, account)
	assert.Equal(t, []string{"crmkeep:people", "crmkeep:sales.rep"}, account.Groups)
	_, err = s.Login(li, "another")
	require.Error(t, err)
	session, err := s.Login(li, password)
	require.NoError(t, err)
	require.True(t, session.Open())

	nobody := plan()
	nobody.People = nil
	report, err := bring(connection, nobody)
	require.NoError(t, err)
	require.Len(t, report.Left, 1)
	assert.False(t, session.Open())
	assert.False(t, s.Account(li).Active)
	_, err = s.Login(li, password)
	assert.Error(t, err)
}

func TestAnEditIsDriftThatTheAdapterFinds(t *testing.T) {
	s := trytonsim.New(t)
	connection := serve(t, s)
	_, err := bring(connection, plan())
	require.NoError(t, err)
	s.Edit(t, func(e *trytonsim.Editor) {
		group := e.ID("res.group", "name", "Administration")
		e.Write("res.user", e.ID("res.user", "login", li), map[string]any{"groups": []any{[]any{"add", []int{group}}}})
	})
	report, err := bring(connection, plan())
	require.NoError(t, err)
	require.Len(t, report.Applied, 1)
	assert.Equal(t, []string{"crmkeep:people", "crmkeep:sales.rep"}, s.Account(li).Groups)
}

func TestItFailsAsItIsTold(t *testing.T) {
	for name, fault := range map[string]trytonsim.Fault{
		"down": trytonsim.Down(), "500 at the first write": trytonsim.Status(http.StatusInternalServerError, 0),
		"500 half-way": trytonsim.Status(http.StatusInternalServerError, 2), "killed between two writes": trytonsim.Killed(2), "a lost answer": trytonsim.Lost(2),
	} {
		t.Run(name, func(t *testing.T) {
			s := trytonsim.New(t)
			connection := serve(t, s)
			s.Fail(fault)
			report, err := bring(connection, plan())
			require.ErrorIs(t, err, tryton.ErrUnreachable)
			assert.Empty(t, report.Invited)
			_, writes := s.Calls()
			s.Fail(trytonsim.None())
			_, err = bring(connection, plan())
			require.NoError(t, err)
			_, err = s.Login(li, password)
			require.NoError(t, err)
			t.Logf("%d writes before the fault", writes)
		})
	}
}

func TestASlowOneIsGivenUp(t *testing.T) {
	s := trytonsim.New(t)
	connection := serve(t, s)
	s.Fail(trytonsim.Slow(time.Hour))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := tryton.Adapter{}.Bring(ctx, connection, plan(), access.ModeApply)
	require.ErrorIs(t, err, tryton.ErrUnreachable)
}
