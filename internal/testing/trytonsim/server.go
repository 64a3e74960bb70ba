package trytonsim

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const (
	// Database is the only one of a server.
	Database = "crm"
	// Admin is the login of the administrator.
	Admin = "admin"
	// AdminPassword is that of every simulated Tryton.
	AdminPassword = "Aq7wZ8xK2mPq9Lr3Tn5v"
	// OperatorPassword is that of crmkeep's own account, access.OperatorLogin, until SetPassword gives it another one.
	OperatorPassword = "Rv5tY8uJ3kMn6Bx2Wc9d"
)

// Server is a simulated Tryton, as it is after its first migration, with one company. It is safe for concurrent use; calls are done one after another.
type Server struct {
	// Handler answers calls.
	Handler http.Handler

	mutex  sync.Mutex
	db     *database
	faults faults
	calls  int
	writes int
}

// New gives a simulated Tryton.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{db: newDatabase()}
	s.Handler = http.HandlerFunc(s.serve)
	s.Edit(t, func(e *Editor) {
		group := e.ID(groupModel, "name", "Administration")
		e.Create(userModel, map[string]any{"login": access.OperatorLogin, "name": access.OperatorLogin, "password": OperatorPassword,
			"groups": []any{[]any{"add", []int{group}}}})
		e.SetPassword(Admin, AdminPassword)
	})
	s.calls, s.writes = 0, 0
	return s
}

// Serve listens with TLS until the test ends, and gives a connection as crmkeep's own account.
func (s *Server) Serve(t testing.TB) access.Connection {
	t.Helper()
	server := httptest.NewTLSServer(s.Handler)
	t.Cleanup(server.Close)
	return access.Connection{HTTP: server.Client(), URL: server.URL, Database: Database, Login: access.OperatorLogin, Password: secret.New(OperatorPassword)}
}

// Fail lets something go wrong from now on, instead of what went wrong until now.
func (s *Server) Fail(fault Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults = faults{Fault: fault}
}

// Calls gives how many calls were made, and how many of them changed something. Logging in and out changes nothing here.
func (s *Server) Calls() (calls, writes int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.calls, s.writes
}

// Session is somebody who is logged in.
type Session struct {
	server *Server
	key    string
}

// Login logs somebody in.
func (s *Server) Login(login, password string) (*Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, key, ok := s.db.login(login, password)
	if !ok {
		return nil, errRefused
	}
	return &Session{server: s, key: key}, nil
}

// Open says whether the session still counts.
func (s *Session) Open() bool {
	s.server.mutex.Lock()
	defer s.server.mutex.Unlock()
	_, open := s.server.db.sessions[s.key]
	return open
}

// Account is what a test may know of an account.
type Account struct {
	ID                 int
	Login, Name, Email string
	Active             bool
	// Groups by name, sorted.
	Groups []string
	// Sessions that are open.
	Sessions int
	// Keys of programs that work, or would once they are validated.
	Keys int
}

// Account gives an account by its login; nil if there is none.
func (s *Server) Account(login string) *Account {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.db.account(login)
}

// wait lets an answer take as long as it was told to.
func (s *Server) wait(r *http.Request) {
	s.mutex.Lock()
	delay := s.faults.delay
	s.mutex.Unlock()
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
