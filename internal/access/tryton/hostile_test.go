package tryton_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/access/tryton"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

// pretending is a Tryton that somebody has taken over: it gives the rows that it is told for a model, and no others.
func pretending(t *testing.T, rows map[string]string) access.Connection {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct {
			Method string `json:"method"`
			Params []any  `json:"params"`
		}
		_ = json.NewDecoder(r.Body).Decode(&call)
		result := "[]"
		switch model := strings.TrimSuffix(strings.TrimPrefix(call.Method, "model."), ".search_read"); {
		case call.Method == "common.db.login":
			result = `[1, "key"]`
		case rows[model] != "" && call.Params[1] == 0.0:
			result = rows[model]
		}
		_, _ = fmt.Fprintf(w, `{"result": %s}`, result)
	}))
	t.Cleanup(server.Close)
	return access.Connection{HTTP: server.Client(), URL: server.URL, Database: "crm", Login: access.OperatorLogin, Password: secret.New("correct horse")}
}

func TestAccountsOfATrytonThatWasTakenOverTakeNoTimeToList(t *testing.T) {
	const groups = 200_000
	var chain []string
	for id := groups; id > 1; id-- {
		chain = append(chain, fmt.Sprintf(`{"id": %d, "parent": %d}`, id, id-1))
	}
	for name, of := range map[string]string{
		"a long chain":   "[" + strings.Join(chain, ",") + "]",
		"a circle":       `[{"id": 1, "parent": 2}, {"id": 2, "parent": 1}]`,
		"without parent": `[{"id": 2}]`,
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			accounts, err := tryton.Adapter{}.Accounts(context.Background(), pretending(t, map[string]string{
				"res.user":        fmt.Sprintf(`[{"id": 5, "login": "x", "active": true, "groups": [%d]}]`, groups),
				"res.group":       of,
				"ir.model.access": `[{"id": 1, "perm_write": true, "group.": {"id": 1}}]`,
			}))
			require.NoError(t, err)
			require.Len(t, accounts, 1)
			assert.Equal(t, name == "a long chain", accounts[0].Administrator)
			assert.Less(t, time.Since(began), 20*time.Second)
		})
	}
}
