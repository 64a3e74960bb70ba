package nocobase_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/nocobase"
)

const (
	patience = 30 * time.Second
	interval = 200 * time.Millisecond
)

func TestWhatIsOpenedInNocoBasesScreensIsClosedAgain(t *testing.T) {
	w := newWorld(t)
	w.bring(salesPlan())
	rep := w.as(li)
	w.deal(w.as(mia), w.as(bo).ID, "the secret comment")
	role := record{"filterByTk": "crmkeep_sales_rep"}
	call := func(action string, parameters record, body any) func(*testing.T) {
		return func(t *testing.T) { w.Admin.Must(t, action, parameters, body, nil) }
	}
	rights := func(model string, actions ...record) func(*testing.T) {
		return call("roles:applyDataPermissions", role, record{"resources": []record{{"name": model, "actions": actions}}})
	}
	own := record{"filter": record{"name": "crmkeep own opportunities"}}
	for name, open := range map[string]func(*testing.T){
		"all records":                    rights("opportunities", record{"name": "view", "fields": []string{"id", "title", "crmkeep_nothing"}}),
		"all fields":                     rights("opportunities", record{"name": "view"}),
		"a model":                        rights("companies", record{"name": "view"}),
		"a model that is not the plan's": rights("users", record{"name": "view"}),
		"a strategy":                     call("roles:update", role, record{"strategy": record{"actions": []string{"view"}}}),
		"a strategy of the data source":  call("dataSourcesRoles:update", record{"filter": record{"roleName": "crmkeep_sales_rep"}}, record{"strategy": record{"actions": []string{"view"}}}),
		"settings":                       call("roles:update", role, record{"snippets": []string{"pm.*", "ui.*"}}),
		"the filter of own records":      call("dataSourcesRolesResourcesScopes:update", own, record{"scope": record{}}),
		"another role":                   call("roles/admin/users:add", nil, []int{rep.ID}),
		"another role of the plan":       call("roles/crmkeep_sales_manager/users:add", nil, []int{rep.ID}),
		"joined roles":                   call("roles:setSystemRoleMode", nil, record{"roleMode": "only-use-union"}),
		"a role for new accounts":        call("roles:update", record{"filterByTk": "admin"}, record{"default": true}),
		"rights instead of the strategy": call("roles/crmkeep_sales_rep/resources:destroy", record{"filter": record{"name": "opportunities"}}, record{}),
		"a role made anew": func(t *testing.T) {
			call("roles:destroy", role, record{})(t)
			call("roles:create", nil, record{"name": "crmkeep_sales_rep", "title": "x", "snippets": []string{"pm.*"}})(t)
		},
		"a role taken out, with more rights": func(t *testing.T) {
			rights("opportunities", record{"name": "view"})(t)
			rights("companies", record{"name": "view"})(t)
			call("roles:destroy", role, record{})(t)
		},
		"appended records": call("collections/contacts/fields:destroy", record{"filterByTk": "crmkeep_nothing"}, record{}),
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			open(t)
			report := w.bring(salesPlan())
			assert.NotEmpty(t, report.Differences)
			for _, as := range []string{"", "crmkeep_sales_rep", "crmkeep_sales_manager", "admin", "__union__"} {
				for _, action := range []string{"opportunities:list", "companies:list", "users:list", "roles:list"} {
					rows, _ := rep.As(as).List(action, nil)
					assert.Empty(t, rows, "%s as %q", action, as)
				}
				content, _ := rep.As(as).Raw("contacts:list", record{"appends": "deals,company"}, nil)
				assert.NotContains(t, string(content), "secret", as)
			}
			contacts, err := rep.As("crmkeep_sales_rep").List("contacts:list", nil)
			require.NoError(t, err)
			assert.NotEmpty(t, contacts, "what the plan opens is open")
		})
	}
}

// broken is a connection that breaks at one of its writes.
type broken struct {
	http.RoundTripper
	writes int
}

var errBroken = errors.New("the connection broke")

func (b *broken) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodPost && !bytes.Contains([]byte(request.URL.Path), []byte("auth:")) {
		if b.writes--; b.writes < 0 {
			return nil, errBroken
		}
	}
	return b.RoundTripper.RoundTrip(request)
}

func TestWorkThatBreaksOffAnywhereOpensNothingAndIsFinishedLater(t *testing.T) {
	w := newWorld(t)
	narrow, wide := salesPlan(), salesPlan()
	// The one plan shows representatives their own opportunities without comments, the other one all of them without titles. So nobody sees the
	// title of another's at any time.
	wide.Roles[2].Grants[1] = full("opportunities", access.ScopeAll, hidden("title"))
	wide.Roles[2].Grants = append([]access.Grant{full("companies", access.ScopeAll)}, wide.Roles[2].Grants...)
	wide.People[2].Roles = []string{"sales.auditor"}
	wide.People = append(without(wide, li).People, person("zoe@acme.example", "sales.rep"))
	w.bring(narrow)
	w.deal(w.as(mia), 1, "secret comment")
	broke := 0
	for n := 0; ; n++ {
		plan := wide
		if n%2 == 1 {
			plan = narrow
		}
		connection := w.Connection
		connection.HTTP = &http.Client{Transport: &broken{RoundTripper: http.DefaultTransport, writes: n}}
		report, err := nocobase.Adapter{}.Bring(context.Background(), connection, plan, access.ModeApply)
		if err == nil {
			break
		}
		broke++
		require.ErrorIs(t, err, access.ErrUnreachable)
		assert.Less(t, len(report.Applied), len(report.Differences))
		content, err := w.as(bo).Raw("opportunities:list", nil, nil)
		if err == nil {
			assert.NotContains(t, string(content), `"title":"deal"`, "write %d", n)
		}
		w.bring(plan)
	}
	t.Logf("broke off %d times", broke)
	assert.GreaterOrEqual(t, broke, 6)
}
