package nocobasetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
)

// NocoBase is one that serves one test.
type NocoBase struct {
	// Connection of an adapter, as an account of its own.
	Connection access.Connection
	// Admin is logged in as the administrator that NocoBase came with.
	Admin *Session
}

// Session is somebody who is logged in.
type Session struct {
	// ID of the account.
	ID int
	// Role that the session asks for. Empty: the account's first.
	Role string
	// Token of the session, or an API key.
	Token string

	nocobase *NocoBase
}

// Record is one of a collection's.
type Record = map[string]any

// Login logs somebody in.
func (n *NocoBase) Login(t testing.TB, login, password string) *Session {
	t.Helper()
	session, err := n.TryLogin(login, password)
	require.NoError(t, err)
	return session
}

// TryLogin logs somebody in, or fails as NocoBase does.
func (n *NocoBase) TryLogin(login, password string) (*Session, error) {
	s := &Session{nocobase: n}
	var answer struct {
		User  struct{ ID int }
		Token string
	}
	if err := s.Call("auth:signIn", nil, map[string]string{"account": login, "password": password}, &answer); err != nil {
		return nil, err
	}
	s.ID, s.Token = answer.User.ID, answer.Token
	return s, nil
}

// With gives a session with another token, such as an API key.
func (n *NocoBase) With(token string) *Session { return &Session{nocobase: n, Token: token} }

// As gives the same session in another role.
func (s *Session) As(role string) *Session {
	other := *s
	other.Role = role
	return &other
}

// Call calls an action such as "contacts:list" with parameters, which are JSON where they are not text. With a body it posts.
func (s *Session) Call(action string, parameters Record, body, result any) error {
	content, err := s.Raw(action, parameters, body)
	if err != nil || result == nil {
		return err
	}
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(content, &answer); err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	return json.Unmarshal(answer.Data, result)
}

// Must is Call for what cannot fail.
func (s *Session) Must(t testing.TB, action string, parameters Record, body, result any) {
	t.Helper()
	require.NoError(t, s.Call(action, parameters, body, result), action)
}

// List reads the records of an action such as "contacts:list".
func (s *Session) List(action string, parameters Record) ([]Record, error) {
	var rows []Record
	return rows, s.Call(action, parameters, nil, &rows)
}

// Create makes a record and gives its number.
func (s *Session) Create(t testing.TB, collection string, values Record) int {
	t.Helper()
	var made struct{ ID int }
	s.Must(t, collection+":create", nil, values, &made)
	return made.ID
}

// Raw is Call whose answer is not taken apart.
func (s *Session) Raw(action string, parameters Record, body any) ([]byte, error) {
	method, content := http.MethodGet, []byte(nil)
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
		method = http.MethodPost
	}
	query := url.Values{}
	for name, value := range parameters {
		text, isText := value.(string)
		if !isText {
			encoded, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			text = string(encoded)
		}
		query.Set(name, text)
	}
	request, err := http.NewRequest(method, s.nocobase.Connection.URL+"/api/"+action+"?"+query.Encode(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if s.Token != "" {
		request.Header.Set("Authorization", "Bearer "+s.Token)
	}
	if s.Role != "" {
		request.Header.Set("X-Role", s.Role)
	}
	response, err := s.nocobase.Connection.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s: %s", action, response.Status, answer)
	}
	return answer, err
}
