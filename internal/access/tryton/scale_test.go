package tryton_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

func TestTenThousandPeopleTakePagesAndBatches(t *testing.T) {
	const people, page, batch = 10_000, 1000, 200
	plan := salesPlan()
	plan.People = nil
	for i := range people {
		plan.People = append(plan.People, person(fmt.Sprintf("user%05d@acme.example", i), "sales.rep"))
	}
	s := trytonsim.New(t)
	connection := s.Serve(t)
	connection.Invite = first
	began := time.Now()
	report, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
	require.NoError(t, err)
	t.Logf("the first application: %d calls, %s", report.Calls, time.Since(began))
	assert.Len(t, report.Invited, people)
	// Parties, employees and accounts, and all that does not depend on the number of people.
	assert.LessOrEqual(t, report.Calls, 3*people/batch+30)

	plan.People[people-1].Roles = []string{"sales.manager"}
	began = time.Now()
	report, err = tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
	require.NoError(t, err)
	t.Logf("one moves: %d calls, %s", report.Calls, time.Since(began))
	assert.Len(t, report.Applied, 1)
	assert.LessOrEqual(t, report.Calls, people/page+10)
	assert.Contains(t, s.Account(plan.People[people-1].Login).Groups, "crmkeep:sales.manager")

	_, before := s.Calls()
	report, err = tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
	require.NoError(t, err)
	assert.Empty(t, report.Differences)
	_, after := s.Calls()
	assert.Equal(t, before, after, "nothing is written when nothing differs")
}
