package trytontest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/testing/trytontest"
)

var server *trytontest.Server

func TestMain(m *testing.M) {
	trytontest.Main(m, func(s *trytontest.Server) { server = s })
}

const another = "Bq4hKp7WnYx3Rc9Ld6Tm"

func migrate(t *testing.T, tryton *trytontest.Tryton, operatorPassword string) {
	t.Helper()
	output, err := tryton.Run(t, operatorPassword, "tryton-migrate", "--bootstrap")
	require.NoError(t, err, output)
	assert.NotContains(t, output, operatorPassword)
}

// operator is crmkeep's account as the administrator sees it.
func operator(t *testing.T, tryton *trytontest.Tryton) map[string]any {
	t.Helper()
	tryton.Admin = tryton.Login(t, trytontest.Admin, trytontest.AdminPassword) // The migration has ended the sessions.
	tryton.Admin.Context["active_test"] = false
	found, err := tryton.Admin.Read("res.user", []any{[]any{"login", "=", access.OperatorLogin}}, "name", "active", "email", "groups", "applications")
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func TestTheMigrationMakesCrmkeepsAccountAndEachSetsThePasswordAnew(t *testing.T) {
	tryton := server.New(t)
	first := tryton.Connection.Password.Reveal()
	session := tryton.Login(t, access.OperatorLogin, first)
	session.Must(t, "model.res.group.create", nil, []any{map[string]any{"name": "made before"}})

	for _, group := range []string{"made after the first", "made after the second"} {
		migrate(t, tryton, another)
		_, err := tryton.TryLogin(access.OperatorLogin, first)
		require.Error(t, err, "the earlier password")
		require.Error(t, session.Call("model.res.group.search_count", nil, []any{}), "a session of the earlier password")
		session = tryton.Login(t, access.OperatorLogin, another)
		session.Must(t, "model.res.group.create", nil, []any{map[string]any{"name": group}})
		assert.Equal(t, "crmkeep", operator(t, tryton)["name"])
	}
}

func TestTheMigrationRepairsCrmkeepsAccountAndTakesOtherWaysIntoItAway(t *testing.T) {
	tryton := server.New(t)
	before := operator(t, tryton)
	id := int(before["id"].(float64))
	key := tryton.Admin.Create(t, "res.user.application", map[string]any{"user": id, "key": "stolen", "state": "validated"})
	tryton.Admin.Must(t, "model.res.user.write", nil, []int{id}, map[string]any{
		"name": "somebody", "active": false, "email": "thief@evil.example", "groups": []any{[]any{"remove", before["groups"]}},
	})

	migrate(t, tryton, another)

	after := operator(t, tryton)
	assert.Equal(t, "crmkeep", after["name"])
	assert.Equal(t, true, after["active"])
	assert.Nil(t, after["email"], "a password could be reset by it")
	assert.Equal(t, before["groups"], after["groups"])
	keys, err := tryton.Admin.Read("res.user.application", []any{[]any{"id", "=", key}}, "state")
	require.NoError(t, err)
	assert.Equal(t, "cancelled", keys[0]["state"])
	tryton.Login(t, access.OperatorLogin, another)
}

func TestACopyThatIsMadeHarmlessKeepsCrmkeepsAccount(t *testing.T) {
	tryton := server.New(t)
	tryton.Admin.Create(t, "res.user", map[string]any{"login": "li.na", "name": "Li Na", "password": another})
	tryton.Login(t, "li.na", another)

	migrate(t, tryton, another)
	output, err := tryton.Run(t, another, "tryton-neutralise", "--keep=")
	require.NoError(t, err, output)

	tryton.Login(t, access.OperatorLogin, another)
	_, err = tryton.TryLogin("li.na", another)
	require.Error(t, err)
}

func TestAMigrationWithoutAUsablePasswordFailsAndKeepsTheOneThatIs(t *testing.T) {
	tryton := server.New(t)
	for sentence, password := range map[string]string{"none": "", "an empty line": "\n", "two lines": "a\nb"} {
		_, err := tryton.Run(t, password, "tryton-migrate", "--bootstrap")
		require.Error(t, err, sentence)
		tryton.Login(t, access.OperatorLogin, tryton.Connection.Password.Reveal())
	}
}
