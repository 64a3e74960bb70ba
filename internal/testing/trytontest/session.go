package trytontest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
)

// Tryton is one database of a server.
type Tryton struct {
	// Connection of an adapter.
	Connection access.Connection
	// Admin is logged in as the administrator.
	Admin *Session
	// Company is the only one.
	Company int

	server *Server
}

// Run runs a program of the image on the database, as a migration with that password of crmkeep's account, and gives what it prints. As in a pod, the
// web server does not run meanwhile: it would go on with what it remembers.
func (t *Tryton) Run(tb testing.TB, operatorPassword, program string, arguments ...string) (string, error) {
	tb.Helper()
	dir, err := os.MkdirTemp(t.server.inside, t.Connection.Database)
	require.NoError(tb, err)
	require.NoError(tb, t.server.configure(dir, t.Connection.Database, operatorPassword))
	command := t.server.program(dir, program, arguments...)
	command.Stdout, command.Stderr = nil, nil
	t.server.stopWeb()
	output, err := command.CombinedOutput()
	require.NoError(tb, t.server.startWeb())
	return string(output), err
}

// Session is somebody who is logged in.
type Session struct {
	// ID of the account.
	ID int
	// Context of every call, which a person's program may set as it likes.
	Context map[string]any

	tryton *Tryton
	token  string
}

// Login logs somebody in.
func (t *Tryton) Login(tb testing.TB, login, password string) *Session {
	tb.Helper()
	session, err := t.TryLogin(login, password)
	require.NoError(tb, err)
	return session
}

// TryLogin logs somebody in, or fails as Tryton does.
func (t *Tryton) TryLogin(login, password string) (*Session, error) {
	s := &Session{tryton: t, Context: map[string]any{}}
	if t.Company != 0 {
		s.Context["company"] = t.Company
	}
	var answer []any
	if err := s.rpc("common.db.login", &answer, login, map[string]string{"password": password}); err != nil {
		return nil, err
	}
	s.ID = int(answer[0].(float64))
	s.token = base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%s:%d:%s", login, s.ID, answer[1])))
	return s, nil
}

// Call calls a method of a model, wizard or report by its whole name, such as "model.party.party.search", with the session's context.
func (s *Session) Call(method string, result any, arguments ...any) error {
	return s.rpc(method, result, append(arguments, s.Context)...)
}

// Must is Call for what cannot fail.
func (s *Session) Must(tb testing.TB, method string, result any, arguments ...any) {
	tb.Helper()
	require.NoError(tb, s.Call(method, result, arguments...), method)
}

// Create makes a record.
func (s *Session) Create(tb testing.TB, model string, values map[string]any) int {
	tb.Helper()
	var ids []int
	s.Must(tb, "model."+model+".create", &ids, []any{values})
	require.Len(tb, ids, 1)
	return ids[0]
}

// Read reads records that match a domain.
func (s *Session) Read(model string, domain []any, fields ...string) ([]map[string]any, error) {
	var rows []map[string]any
	err := s.Call("model."+model+".search_read", &rows, domain, 0, nil, nil, fields)
	return rows, err
}

func (s *Session) rpc(method string, result any, params ...any) error {
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	to := s.tryton.Connection
	request, err := http.NewRequest(http.MethodPost, to.URL+"/"+to.Database+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		request.Header.Set("Authorization", "Session "+s.token)
	}
	response, err := to.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	var answer struct {
		Result json.RawMessage
		Error  []any
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Error) > 0 {
		return fmt.Errorf("%v", answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// foundCompany makes the company that a Tryton has when its setup is done.
func (t *Tryton) foundCompany(tb testing.TB) {
	tb.Helper()
	currency := t.Admin.Create(tb, "currency.currency", map[string]any{
		"name": "Euro", "code": "EUR", "symbol": "E", "rounding": map[string]any{"__class__": "Decimal", "decimal": "0.01"}, "digits": 2,
	})
	party := t.Admin.Create(tb, "party.party", map[string]any{"name": "Acme Trading"})
	t.Company = t.Admin.Create(tb, "company.company", map[string]any{"party": party, "currency": currency})
	t.Admin.Must(tb, "model.res.user.write", nil, []int{t.Admin.ID}, map[string]any{
		"companies": []any{[]any{"add", []int{t.Company}}}, "company": t.Company,
	})
	t.Admin.Context["company"] = t.Company
}
