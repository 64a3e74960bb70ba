package trytonsim

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Editor changes what a simulated Tryton holds, as an administrator does in its screens.
type Editor struct {
	t  testing.TB
	db *database
}

// Edit changes what the Tryton holds. Nothing else is done meanwhile.
func (s *Server) Edit(t testing.TB, edit func(*Editor)) {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	edit(&Editor{t: t, db: s.db})
}

// ID finds a record by the value of one of its fields.
func (e *Editor) ID(model, field string, value any) int {
	e.t.Helper()
	ids, err := e.db.search(model, []any{[]any{field, "=", value}}, true)
	require.NoError(e.t, err)
	require.Len(e.t, ids, 1, "%s with %s %v", model, field, value)
	return ids[0]
}

// Create makes a record of Tryton's values, such as {"name": "x", "groups": [["add", [1]]]}.
func (e *Editor) Create(model string, values map[string]any) int {
	e.t.Helper()
	ids, err := e.db.create(0, model, []map[string]any{whole(values).(map[string]any)})
	require.NoError(e.t, err)
	return ids[0]
}

// Write changes a record. Unlike a write through a call it ends no session.
func (e *Editor) Write(model string, id int, values map[string]any) {
	e.t.Helper()
	require.True(e.t, e.db.exists(model, id), "%s %d", model, id)
	require.NoError(e.t, e.db.set(0, model, e.db.tables[model].byID[id], whole(values).(map[string]any)))
}

// Delete removes a record.
func (e *Editor) Delete(model string, id int) {
	e.t.Helper()
	require.True(e.t, e.db.exists(model, id), "%s %d", model, id)
	e.db.remove(model, id)
}

// SetPassword gives an account another password.
func (e *Editor) SetPassword(login, password string) {
	e.t.Helper()
	e.db.passwords[e.ID(userModel, "login", login)] = clearText(password)
}

// account gives what a test may know of an account.
func (d *database) account(login string) *Account {
	for id, r := range d.tables[userModel].byID {
		if r["login"] != login {
			continue
		}
		text := func(field string) string {
			value, _ := r[field].(string)
			return value
		}
		found := &Account{ID: id, Login: login, Name: text("name"), Email: text("email"), Active: r["active"] == true, Sessions: len(d.sessionsOf(id))}
		for _, group := range d.get(userModel, r, "groups").([]int) {
			name, _ := d.tables[groupModel].byID[group]["name"].(string)
			found.Groups = append(found.Groups, name)
		}
		slices.Sort(found.Groups)
		for _, key := range d.get(userModel, r, "applications").([]int) {
			if d.tables[applicationModel].byID[key]["state"] != "cancelled" {
				found.Keys++
			}
		}
		return found
	}
	return nil
}
