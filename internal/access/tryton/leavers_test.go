package tryton_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/testing/trytonsim"
)

func TestALeaverIsOutWhateverGroupsTheCRMsOwnScreensGaveTheAccount(t *testing.T) {
	for _, mode := range []access.Mode{access.ModeApply, access.ModePutOut} {
		t.Run(string(mode), func(t *testing.T) {
			s := trytonsim.New(t)
			connection := s.Serve(t)
			connection.Invite = first
			plan := salesPlan()
			_, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
			require.NoError(t, err)
			groups := s.Account(li).Groups
			s.Edit(t, func(e *trytonsim.Editor) {
				var held []int
				for _, name := range groups {
					held = append(held, e.ID("res.group", "name", name))
				}
				e.Write("res.user", e.ID("res.user", "login", li), map[string]any{"groups": []any{
					[]any{"remove", held}, []any{"add", []int{e.ID("res.group", "name", "Administration")}}}})
			})
			plan.People = plan.People[:1]
			plan.Leaving = []string{li}
			report, err := tryton.Adapter{}.Bring(context.Background(), connection, plan, mode)
			require.NoError(t, err)
			assert.False(t, s.Account(li).Active)
			var left []string
			for _, l := range report.Left {
				left = append(left, l.Login)
			}
			assert.Contains(t, left, li)

			_, before := s.Calls()
			_, err = tryton.Adapter{}.Bring(context.Background(), connection, plan, mode)
			require.NoError(t, err)
			_, after := s.Calls()
			assert.Equal(t, before, after, "who is out is not put out again")
		})
	}
}
