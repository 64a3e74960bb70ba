package tryton_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

func TestTheAdministratorIsLockedWithAllThatIsOpenAndOpenedAgain(t *testing.T) {
	w := newWorld(t)
	key := w.Admin.Create(t, "res.user.application", map[string]any{"user": w.Admin.ID, "state": "validated"})
	report := w.bring(locked(salesPlan(), v1alpha1.AdministratorLocked))
	assert.Equal(t, v1alpha1.AdministratorLocked, report.Administrator)
	assert.Empty(t, report.Left, "nobody has left")
	_, err := w.Admin.Read("res.user", []any{}, "login")
	require.Error(t, err, "the open session")
	_, err = w.TryLogin(trytontest.Admin, trytontest.AdminPassword)
	require.Error(t, err, "a new session")

	// Somebody opens it by hand.
	operator := w.Login(t, access.OperatorLogin, w.Connection.Password.Reveal())
	operator.Must(t, "model.res.user.write", nil, []int{w.Admin.ID}, map[string]any{"active": true})
	report = w.bring(locked(salesPlan(), v1alpha1.AdministratorLocked))
	assert.Equal(t, v1alpha1.AdministratorLocked, report.Administrator)
	assert.Equal(t, []access.Difference{{Subject: "administrator admin", Found: "open", Planned: "locked"}}, report.Applied)

	report = w.bring(locked(salesPlan(), v1alpha1.AdministratorOpen))
	assert.Equal(t, v1alpha1.AdministratorOpen, report.Administrator)
	assert.Empty(t, report.Invited, "it keeps its password")
	admin := w.Login(t, trytontest.Admin, trytontest.AdminPassword)
	keys, err := admin.Read("res.user.application", []any{[]any{"id", "=", key}}, "state")
	require.NoError(t, err)
	assert.Equal(t, "cancelled", keys[0]["state"])
}

func TestTheAdministratorIsLockedOnlyWhenEverythingElseIsDone(t *testing.T) {
	s := trytonsim.New(t)
	connection := s.Serve(t)
	connection.Invite = first
	plan := locked(salesPlan(), v1alpha1.AdministratorLocked)
	for writes := 0; ; writes++ {
		s.Fail(trytonsim.Status(http.StatusInternalServerError, writes))
		report, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
		if err == nil {
			break
		}
		require.Empty(t, report.Administrator)
		require.True(t, s.Account(trytontest.Admin).Active, "after %d writes", writes)
	}
	assert.False(t, s.Account(trytontest.Admin).Active)
	assert.True(t, s.Account(access.OperatorLogin).Active)
}

func TestTheAccountThatTheAdapterWorksAsIsNeverLocked(t *testing.T) {
	s := trytonsim.New(t)
	connection := s.Serve(t)
	connection.Invite = first
	plan := salesPlan()
	plan.Administrator = access.Administrator{Login: connection.Login, State: v1alpha1.AdministratorLocked}
	report, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
	require.NoError(t, err)
	assert.Empty(t, report.Administrator)
	assert.True(t, s.Account(connection.Login).Active)
}

func TestToPutOutWritesNothingElseButTheAdministratorsState(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	rep, other := w.as(li), w.as(bo)
	w.Admin.Create(t, "res.user", map[string]any{"name": "Temp", "login": "temp", "password": "Wx8kPq2mZr5vTn7y"})
	plan := locked(without(salesPlan(), li), v1alpha1.AdministratorLocked)
	plan.Roles, plan.Models, plan.UnknownAccounts = nil, nil, access.UnknownAccountsDeactivate
	plan.People = append(plan.People, person("new@acme.example", "sales.rep"))
	report, err := tryton.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModePutOut)
	require.NoError(t, err)
	require.Len(t, report.Left, 1)
	assert.Equal(t, li, report.Left[0].Login)
	assert.Equal(t, []access.Difference{
		{Subject: "account " + li, Found: "may log in", Planned: "put out"}, {Subject: "administrator admin", Found: "open", Planned: "locked"},
	}, report.Applied)
	assert.LessOrEqual(t, report.Calls, 8)
	_, err = rep.Read("party.party", []any{}, "name")
	require.Error(t, err)
	_, err = other.Read("party.party", []any{}, "name")
	require.NoError(t, err)
	w.Login(t, "temp", "Wx8kPq2mZr5vTn7y")

	report, err = tryton.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModePutOut)
	require.NoError(t, err)
	assert.Empty(t, report.Differences, "a second run finds nothing to do")
	w.bring(salesPlan())
}

func TestTheListOfAccountsSaysWhoMayAdminister(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	group := w.Admin.Create(t, "res.group", map[string]any{"name": "below administration", "parent": 1})
	users, err := w.Admin.Read("ir.model", []any{[]any{"model", "=", "res.group"}}, "id")
	require.NoError(t, err)
	rights := w.Admin.Create(t, "res.group", map[string]any{"name": "rights"})
	w.Admin.Create(t, "ir.model.access", map[string]any{"model": users[0]["id"], "group": rights, "perm_write": true})
	for login, groups := range map[string][]int{"heir": {group}, "changer": {rights}, "nobody": {}} {
		w.Admin.Create(t, "res.user", map[string]any{"name": "Name of " + login, "login": login, "password": "Wx8kPq2mZr5vTn7y",
			"groups": []any{[]any{"add", groups}}})
	}
	w.bring(without(salesPlan(), bo))

	accounts, err := tryton.Adapter{}.Accounts(context.Background(), w.Connection)
	require.NoError(t, err)
	assert.Equal(t, []access.Account{
		{Login: "admin", DisplayName: "Administrator", Active: true, Administrator: true},
		{Login: bo, DisplayName: "Person " + bo},
		{Login: "changer", DisplayName: "Name of changer", Active: true, Administrator: true},
		{Login: "crmkeep", DisplayName: "crmkeep", Active: true, Administrator: true},
		{Login: "heir", DisplayName: "Name of heir", Active: true, Administrator: true},
		{Login: li, DisplayName: "Person " + li, Active: true},
		{Login: mia, DisplayName: "Person " + mia, Active: true},
		{Login: "nobody", DisplayName: "Name of nobody", Active: true},
	}, accounts)
}
