package nocobase_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
	"github.com/crmkeep/crmkeep/internal/testing/nocobasetest"
)

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		name string
		test func(*testing.T, *world)
	}{
		{"a leaver is out at once, with whatever token", leave},
		{"who comes back has the records of before, a new password, and no session of before", comeBack},
		{"leavers are put out while nothing else is written", putOutAlone},
		{"a report writes nothing", reportAlone},
		{"accounts that no policy names are reported, and closed where that is asked for", closeUnknownAccounts},
		{"the administrator is locked after all else, and opened again", lockAdministrator},
		{"accounts are listed with what they may do", listAccounts},
		{"names that NocoBase does not have are listed", listUnknownNames},
	} {
		t.Run(step.name, func(t *testing.T) {
			w.begin(t)
			step.test(t, w)
		})
	}
}

func without(plan access.Plan, login string) access.Plan {
	var people []access.Person
	for _, p := range plan.People {
		if p.Login != login {
			people = append(people, p)
		}
	}
	plan.People = people
	return plan
}

func leave(t *testing.T, w *world) {
	report := w.bring(salesPlan())
	assert.ElementsMatch(t, []string{bo, li, mia}, report.Invited)
	assert.Empty(t, report.Left)
	rep := w.as(li)
	// A key of the leaver's, from a time at which somebody opened that in NocoBase's screens.
	w.Admin.Must(t, "roles:update", record{"filterByTk": "crmkeep_sales_rep"}, record{"snippets": []string{"pm.api-keys.configuration"}}, nil)
	var key struct{ Token string }
	rep.Must(t, "apiKeys:create", nil, record{"name": "k", "role": record{"name": "crmkeep_sales_rep"}, "expiresIn": "1d"}, &key)
	program := w.With(key.Token)
	require.NoError(t, program.Call("contacts:list", nil, nil, nil))

	report = w.bring(without(salesPlan(), li))
	require.Len(t, report.Left, 1)
	assert.Equal(t, li, report.Left[0].Login)
	for name, session := range map[string]*nocobasetest.Session{"session": rep, "key": program} {
		for _, role := range []string{"", "crmkeep_sales_rep", "__union__"} {
			for _, action := range []string{"contacts:list", "opportunities:list", "auth:check", "collections:list"} {
				assert.ErrorContains(t, session.As(role).Call(action, nil, nil, nil), "401", "%s, %s as %q", name, action, role)
			}
		}
		assert.Error(t, session.As("anonymous").Call("contacts:list", nil, nil, nil), name)
	}
	_, err := w.TryLogin(li, w.passwords[li])
	assert.ErrorContains(t, err, "401")
	assert.NoError(t, w.as(bo).Call("contacts:list", nil, nil, nil), "nobody else is out")

	// Somebody gives the leaver a role again.
	w.Admin.Must(t, "roles/admin/users:add", nil, []int{rep.ID}, nil)
	report = w.bring(without(salesPlan(), li))
	require.Len(t, report.Left, 1)
}

func comeBack(t *testing.T, w *world) {
	w.bring(salesPlan())
	rep := w.as(li)
	w.deal(w.as(mia), rep.ID, "x")
	before := w.passwords[li]
	w.bring(without(salesPlan(), li))
	report := w.bring(salesPlan())
	assert.Equal(t, []string{li}, report.Invited)
	_, err := w.TryLogin(li, before)
	assert.Error(t, err)
	assert.ErrorContains(t, rep.Call("opportunities:list", nil, nil, nil), "401", "the session of before")
	// NocoBase counts a session from a full second, and one of the second of the new password as older.
	var rows []record
	require.Eventually(t, func() bool {
		rows, err = w.as(li).List("opportunities:list", nil)
		return err == nil
	}, patience, interval)
	assert.Len(t, rows, 1)
}

func putOutAlone(t *testing.T, w *world) {
	w.bring(salesPlan())
	bos := w.as(bo)
	plan := without(salesPlan(), bo)
	plan.People = append(plan.People, person("zoe@acme.example", "sales.manager"))
	report, err := nocobase.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModePutOut)
	require.NoError(t, err)
	require.Len(t, report.Left, 1)
	assert.Equal(t, bo, report.Left[0].Login)
	assert.Empty(t, report.Invited)
	assert.ElementsMatch(t, report.Differences, report.Applied)
	assert.ErrorContains(t, bos.Call("contacts:list", nil, nil, nil), "401")
	var zoe []record
	w.Admin.Must(t, "users:list", record{"filter": record{"email": "zoe@acme.example"}}, nil, &zoe)
	assert.Empty(t, zoe)
	again, err := nocobase.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModePutOut)
	require.NoError(t, err)
	assert.Empty(t, again.Differences)
	assert.Empty(t, again.Left)
}

func reportAlone(t *testing.T, w *world) {
	w.bring(salesPlan())
	plan := without(salesPlan(), li)
	rep := w.as(li)
	report, err := nocobase.Adapter{}.Bring(context.Background(), w.Connection, plan, access.ModeReport)
	require.NoError(t, err)
	assert.NotEmpty(t, report.Differences)
	assert.Empty(t, report.Applied)
	assert.Empty(t, report.Left)
	assert.NoError(t, rep.Call("contacts:list", nil, nil, nil))
}

func closeUnknownAccounts(t *testing.T, w *world) {
	plan := salesPlan()
	w.bring(plan)
	var stranger struct{ ID int }
	w.Admin.Must(t, "users:create", nil, record{"username": "stranger", "password": "Kx7 mPq2"}, &stranger)
	report := w.bring(plan)
	assert.Empty(t, report.UnknownAccounts, "a new account has no role")
	w.Admin.Must(t, "roles/member/users:add", nil, []int{stranger.ID}, nil)
	report = w.bring(plan)
	assert.Equal(t, []string{"stranger"}, report.UnknownAccounts)
	plan.UnknownAccounts = access.UnknownAccountsDeactivate
	session := w.Login(t, "stranger", "Kx7 mPq2")
	report = w.bring(plan)
	require.Len(t, report.Left, 1)
	assert.Equal(t, "stranger", report.Left[0].Login)
	assert.ErrorContains(t, session.Call("contacts:list", nil, nil, nil), "401")
}

func lockAdministrator(t *testing.T, w *world) {
	plan := salesPlan()
	plan.Administrator = access.Administrator{Login: nocobasetest.Admin, State: v1alpha1.AdministratorLocked}
	report := w.bring(plan)
	assert.Equal(t, v1alpha1.AdministratorLocked, report.Administrator)
	assert.ErrorContains(t, w.Admin.Call("users:list", nil, nil, nil), "401")
	again, err := w.TryLogin(nocobasetest.Admin, nocobasetest.AdminPassword)
	if err == nil {
		for _, action := range []string{"users:list", "contacts:list", "roles:list", "auth:check"} {
			assert.ErrorContains(t, again.Call(action, nil, nil, nil), "401", action)
		}
		assert.Error(t, again.As("anonymous").Call("contacts:list", nil, nil, nil))
	}
	plan.Administrator.State = v1alpha1.AdministratorOpen
	report = w.bring(plan)
	assert.Equal(t, v1alpha1.AdministratorOpen, report.Administrator)
	require.NoError(t, w.Admin.Call("users:list", nil, nil, nil))
}

func listAccounts(t *testing.T, w *world) {
	w.bring(without(salesPlan(), li))
	w.as(bo)
	list, err := nocobase.Adapter{}.Accounts(context.Background(), w.Connection)
	require.NoError(t, err)
	found := map[string]access.Account{}
	for i, account := range list {
		found[account.Login] = account
		if i > 0 {
			assert.Less(t, list[i-1].Login, account.Login)
		}
	}
	assert.True(t, found[nocobasetest.Admin].Administrator)
	assert.True(t, found[nocobasetest.Admin].Active)
	assert.True(t, found[bo].Active)
	assert.False(t, found[bo].Administrator)
	assert.False(t, found[bo].LastLogin.IsZero())
	assert.Equal(t, "Person "+mia, found[mia].DisplayName)
	assert.False(t, found[li].Active)
}

func listUnknownNames(t *testing.T, w *world) {
	unknown, err := nocobase.Adapter{}.Unknown(context.Background(), w.Connection, []access.Model{
		{Name: "contacts", OwnerField: "createdBy", Fields: []string{"salary", "shoeSize"}}, {Name: "leads"},
		{Name: "opportunities", OwnerField: "ownerId", TeamField: "team", Fields: []string{"contact", "contactId"}},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"contacts.shoeSize", "leads", "opportunities.team"}, unknown)
}
