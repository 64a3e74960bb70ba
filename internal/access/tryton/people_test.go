package tryton_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

// without gives the plan without a person.
func without(plan access.Plan, login string) access.Plan {
	plan.People = slices.DeleteFunc(slices.Clone(plan.People), func(p access.Person) bool { return p.Login == login })
	return plan
}

func TestALeaverIsPutOutAtOnceWithAllThatIsOpen(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	rep, other := w.as(li), w.as(bo)
	key := w.Admin.Create(t, "res.user.application", map[string]any{"user": rep.ID, "state": "validated"})
	_, err := rep.Read("party.party", []any{}, "name")
	require.NoError(t, err)

	start := time.Now()
	report := w.bring(without(salesPlan(), li))
	_, err = rep.Read("party.party", []any{}, "name")
	require.Error(t, err, "the open session")
	t.Logf("put out after %s with %d calls", time.Since(start), report.Calls)
	require.Len(t, report.Left, 1)
	assert.Equal(t, li, report.Left[0].Login)
	assert.WithinDuration(t, time.Now(), report.Left[0].At, time.Minute)
	_, err = w.TryLogin(li, w.passwords[li])
	require.Error(t, err, "a new session")
	keys, err := w.Admin.Read("res.user.application", []any{[]any{"id", "=", key}}, "state")
	require.NoError(t, err)
	assert.Equal(t, "cancelled", keys[0]["state"])
	_, err = other.Read("party.party", []any{}, "name")
	require.NoError(t, err, "everybody else works on")

	// Somebody lets the leaver in again by hand.
	w.Admin.Must(t, "model.res.user.write", nil, []int{rep.ID}, map[string]any{"active": true})
	report = w.bring(without(salesPlan(), li))
	require.Len(t, report.Left, 1)
	// Back by policy, with another password.
	earlier := w.passwords[li]
	report = w.bring(salesPlan())
	assert.Equal(t, []string{li}, report.Invited)
	_, err = w.TryLogin(li, earlier)
	require.Error(t, err, "the password from before")
	_, err = w.as(li).Read("party.party", []any{}, "name")
	require.NoError(t, err)
}

// TestOneBindingCostsFewCalls holds for a Tryton whose administrator is locked, as it is once the policies hold: while an account with rights of Tryton's
// own is open, one more call looks for what it may have left.
func TestOneBindingCostsFewCalls(t *testing.T) {
	w := newWorld(t)
	plan := locked(salesPlan(), v1alpha1.AdministratorLocked)
	w.bring(without(plan, bo))
	plan.People[0].Email = ""
	moved := without(plan, bo)
	moved.People[0].Roles = []string{"sales.manager"}
	renamed := without(plan, bo)
	renamed.People[0].DisplayName = "李娜"
	for _, change := range []struct {
		name string
		plan access.Plan
	}{{"moves", moved}, {"moves back", without(plan, bo)}, {"joins", plan}, {"leaves", without(plan, bo)}, {"comes back", plan}, {"leaves again", without(plan, bo)},
		{"has another name", renamed}} {
		began := time.Now()
		report := w.bring(change.plan)
		t.Logf("a person %s: %d calls, %s with a second pass", change.name, report.Calls, time.Since(began))
		assert.LessOrEqual(t, report.Calls, 10, "a person %s", change.name)
	}
	operator := w.Login(t, access.OperatorLogin, w.Connection.Password.Reveal())
	users, err := operator.Read("res.user", []any{[]any{"login", "=", li}}, "name")
	require.NoError(t, err)
	assert.Equal(t, "李娜", users[0]["name"])
}

func TestAccountsThatNoPolicyNamesAreListedAndPutOutOnlyIfAsked(t *testing.T) {
	w := newWorld(t)
	w.Admin.Create(t, "res.user", map[string]any{"name": "Temp", "login": "temp", "password": "Wx8kPq2mZr5vTn7y"})
	w.Admin.Create(t, "res.user", map[string]any{"name": "Machine", "login": "machine", "password": "Wx8kPq2mZr5vTn7y"})
	plan := salesPlan()
	plan.Exempt = append(plan.Exempt, "machine")
	report := w.bring(plan)
	assert.Equal(t, []string{"temp"}, report.UnknownAccounts)
	temp := w.Login(t, "temp", "Wx8kPq2mZr5vTn7y")
	_, err := temp.Read("party.party", []any{}, "name")
	require.Error(t, err, "an account without a role reads no customers")

	plan.UnknownAccounts = access.UnknownAccountsDeactivate
	w.bring(plan)
	_, err = w.TryLogin("temp", "Wx8kPq2mZr5vTn7y")
	require.Error(t, err)
	w.Login(t, "machine", "Wx8kPq2mZr5vTn7y")
	w.Login(t, trytontest.Admin, trytontest.AdminPassword)
}

func TestReportingChangesNothing(t *testing.T) {
	w := newWorld(t)
	report, err := tryton.Adapter{}.Bring(context.Background(), w.Connection, salesPlan(), access.ModeReport)
	require.NoError(t, err)
	assert.NotEmpty(t, report.Differences)
	assert.Empty(t, report.Applied)
	groups, err := w.Admin.Read("res.group", []any{[]any{"name", "like", "crmkeep:%"}}, "name")
	require.NoError(t, err)
	assert.Empty(t, groups)
}

func TestAWrongPasswordAndNoAnswerAreToldApartAndShowNoPassword(t *testing.T) {
	w := newWorld(t)
	wrong := w.Connection
	wrong.Login = "nobody-of-that-name"
	_, err := tryton.Adapter{}.Bring(context.Background(), wrong, salesPlan(), access.ModeApply)
	require.ErrorIs(t, err, tryton.ErrRefused)
	assert.NotContains(t, err.Error(), trytontest.AdminPassword)
	away := w.Connection
	away.URL = "http://127.0.0.1:1"
	_, err = tryton.Adapter{}.Bring(context.Background(), away, salesPlan(), access.ModeApply)
	require.ErrorIs(t, err, tryton.ErrUnreachable)
}
