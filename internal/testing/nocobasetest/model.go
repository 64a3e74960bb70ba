package nocobasetest

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/secret"
)

const operatorPassword = "Ow4 nHx8 tRb6 Yp3z"

// New gives a NocoBase of the test's own with a small CRM: companies, contacts, and opportunities that belong to a contact and to an account.
func (s *Server) New(t testing.TB) *NocoBase {
	t.Helper()
	s.need(t)
	s.databases++
	database := fmt.Sprint("t", s.databases)
	require.NoError(t, s.sql("CREATE DATABASE "+database+" TEMPLATE "+template))
	url, node, err := s.serve(t.TempDir(), database)
	require.NoError(t, err)
	t.Cleanup(func() { stop(node, syscall.SIGTERM) })
	n := open(url)
	n.Admin = n.Login(t, Admin, AdminPassword)
	return n
}

func open(url string) *NocoBase {
	return &NocoBase{Connection: access.Connection{
		HTTP: &http.Client{}, URL: url, Login: access.OperatorLogin, Password: secret.New(operatorPassword),
	}}
}

// furnish makes the collections, and the account that adapters work as.
func furnish(url string) error {
	admin, err := open(url).TryLogin(Admin, AdminPassword)
	if err != nil {
		return err
	}
	text := func(name string) Record { return Record{"name": name, "type": "string", "interface": "input"} }
	number := func(name string) Record { return Record{"name": name, "type": "bigInt", "interface": "integer"} }
	belongsTo := func(name, target, key string) Record {
		return Record{"name": name, "type": "belongsTo", "interface": "m2o", "target": target, "foreignKey": key}
	}
	var operator struct{ ID int }
	for _, call := range []struct {
		action string
		body   any
	}{
		{"collections:create", collection("companies", text("name"), text("rating"))},
		{"collections:create", collection("contacts", text("name"), text("phone"), text("salary"), belongsTo("company", "companies", "companyId"))},
		{"collections:create", collection("opportunities", text("title"), number("amount"), text("comment"),
			belongsTo("contact", "contacts", "contactId"), belongsTo("owner", "users", "ownerId"))},
		{"collections/contacts/fields:create", Record{
			"name": "deals", "type": "hasMany", "interface": "o2m", "target": "opportunities", "foreignKey": "contactId"}},
		{"users:create", Record{"username": access.OperatorLogin, "nickname": "crmkeep", "password": operatorPassword}},
	} {
		if err := admin.Call(call.action, nil, call.body, &operator); err != nil {
			return err
		}
	}
	return admin.Call("roles/root/users:add", nil, []int{operator.ID}, nil)
}

func collection(name string, fields ...Record) Record {
	id := Record{"name": "id", "type": "bigInt", "interface": "integer", "autoIncrement": true, "primaryKey": true, "allowNull": false}
	by := Record{"name": "createdBy", "type": "belongsTo", "interface": "createdBy", "target": "users", "foreignKey": "createdById"}
	return Record{"name": name, "title": name, "autoGenId": true, "createdBy": true, "updatedBy": true, "fields": append([]Record{id, by}, fields...)}
}
