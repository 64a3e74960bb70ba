package tryton_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

// TestTheSimulatedTrytonAnswersAsTheRealOne brings both through the same life: what the adapter finds, does and counts is the same at every step.
func TestTheSimulatedTrytonAnswersAsTheRealOne(t *testing.T) {
	w := newWorld(t)
	simulated := trytonsim.New(t)
	connection := simulated.Serve(t)
	connection.Invite = w.invite

	full := salesPlan()
	full.Models = catalogue(t)
	moved := salesPlan()
	moved.Models = full.Models
	moved.People[1].Roles = []string{"sales.clerk", "sales.manager"}
	renamed := without(moved, bo)
	renamed.People[0].DisplayName = "李娜"
	for _, step := range []struct {
		name string
		plan access.Plan
	}{
		{"the first application", full}, {"somebody moves", moved}, {"one leaves, another has a new name", renamed}, {"back again", full},
		{"the administrator is locked", locked(full, v1alpha1.AdministratorLocked)}, {"and opened", locked(full, v1alpha1.AdministratorOpen)},
		{"nobody is left", access.Plan{Models: full.Models, Exempt: full.Exempt}},
	} {
		for _, run := range []string{"first run", "second run"} {
			name := step.name + ", " + run
			want, err := tryton.Adapter{}.Bring(context.Background(), w.Connection, step.plan, access.ModeApply)
			require.NoError(t, err, name)
			got, err := tryton.Adapter{}.Bring(context.Background(), connection, step.plan, access.ModeApply)
			require.NoError(t, err, name)
			for i := range want.Left {
				want.Left[i].At = got.Left[i].At
			}
			require.Equal(t, want, got, name)
			if run == "second run" {
				assert.Empty(t, got.Differences, name)
			}
		}
	}
	leaving, err := tryton.Adapter{}.Bring(context.Background(), connection, full, access.ModePutOut)
	require.NoError(t, err)
	assert.Empty(t, leaving.Differences)
	want, err := tryton.Adapter{}.Unknown(context.Background(), w.Connection, full.Models)
	require.NoError(t, err)
	got, err := tryton.Adapter{}.Unknown(context.Background(), connection, full.Models)
	require.NoError(t, err)
	assert.Equal(t, want, got)

	people, err := tryton.Adapter{}.Accounts(context.Background(), w.Connection)
	require.NoError(t, err)
	simulatedPeople, err := tryton.Adapter{}.Accounts(context.Background(), connection)
	require.NoError(t, err)
	assert.Equal(t, people, simulatedPeople)
}
