package nocobase

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/crmkeep/crmkeep/internal/access"
)

// pageSize bounds the accounts that one request reads.
const pageSize = 500

// observed is what a NocoBase holds.
type observed struct {
	Users       []userRow
	Roles       []roleRow
	Strategies  []strategyRow
	Scopes      []scopeRow
	Collections map[string]collection
	// RoleMode says whether a request is judged by one role or by all of an account.
	RoleMode string
}

type userRow struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	Nickname string `json:"nickname"`
	Roles    []struct {
		Name string `json:"name"`
	} `json:"roles"`
}

type roleRow struct {
	Name           string        `json:"name"`
	Title          string        `json:"title"`
	Default        bool          `json:"default"`
	AllowConfigure bool          `json:"allowConfigure"`
	AllowNewMenu   bool          `json:"allowNewMenu"`
	Snippets       []string      `json:"snippets"`
	Resources      []resourceRow `json:"resources"`
}

type resourceRow struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	DataSource string `json:"dataSourceKey"`
	// Own says whether it takes the place of the role's strategy. Nil does, too.
	Own     *bool       `json:"usingActionsConfig"`
	Actions []actionRow `json:"actions"`
}

type actionRow struct {
	Name    string   `json:"name"`
	Fields  []string `json:"fields"`
	ScopeID int64    `json:"scopeId"`
}

// strategyRow is what holds for the collections of a data source that a role has no resource for.
type strategyRow struct {
	Role       string          `json:"roleName"`
	DataSource string          `json:"dataSourceKey"`
	Strategy   json.RawMessage `json:"strategy"`
}

type scopeRow struct {
	ID       int64           `json:"id"`
	Name     string          `json:"name"`
	Resource string          `json:"resourceName"`
	Filter   json.RawMessage `json:"scope"`
}

type collection struct {
	Name   string     `json:"name"`
	Fields []fieldRow `json:"fields"`
}

type fieldRow struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Target is the collection that a relation leads to.
	Target     string `json:"target"`
	ForeignKey string `json:"foreignKey"`
}

func observe(ctx context.Context, c *client, models []access.Model) (*observed, error) {
	o := &observed{}
	var settings struct {
		RoleMode string `json:"roleMode"`
	}
	all := map[string]any{"paginate": "false"}
	roles := map[string]any{"paginate": "false", "showAnonymous": "true", "appends": "resources,resources.actions"}
	for _, read := range []func() error{
		func() error { return c.call(ctx, request{Action: "systemSettings:get"}, &settings) },
		func() error { return c.call(ctx, request{Action: "roles:list", Parameters: roles}, &o.Roles) },
		func() error {
			return c.call(ctx, request{Action: "dataSourcesRoles:list", Parameters: all}, &o.Strategies)
		},
		func() error { return observeAccounts(ctx, c, o) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	o.RoleMode = settings.RoleMode
	var err error
	o.Collections, err = observeCollections(ctx, c, models)
	return o, err
}

// observeAccounts reads what is known of accounts.
func observeAccounts(ctx context.Context, c *client, o *observed) error {
	scopes := map[string]any{"paginate": "false", "filter": map[string]any{"dataSourceKey": mainSource, "name": map[string]any{"$startsWith": scopePrefix}}}
	if err := c.call(ctx, request{Action: scopeResource + ":list", Parameters: scopes}, &o.Scopes); err != nil {
		return err
	}
	var err error
	o.Users, err = observeUsers(ctx, c)
	return err
}

func observeUsers(ctx context.Context, c *client) ([]userRow, error) {
	var users []userRow
	for page := 1; ; page++ {
		var rows []userRow
		parameters := map[string]any{"page": page, "pageSize": pageSize, "sort": "id", "fields": "id,username,email,nickname", "appends": "roles"}
		if err := c.call(ctx, request{Action: "users:list", Parameters: parameters}, &rows); err != nil {
			return nil, err
		}
		users = append(users, rows...)
		if len(rows) < pageSize {
			return users, nil
		}
	}
}

// observeCollections reads the collections of models, and the empty one.
func observeCollections(ctx context.Context, c *client, models []access.Model) (map[string]collection, error) {
	names := []string{emptyCollection}
	for _, model := range models {
		names = append(names, model.Name)
	}
	var rows []collection
	parameters := map[string]any{"paginate": "false", "appends": "fields", "filter": map[string]any{"name": map[string]any{"$in": names}}}
	if err := c.call(ctx, request{Action: "collections:list", Parameters: parameters}, &rows); err != nil {
		return nil, err
	}
	found := map[string]collection{}
	for _, row := range rows {
		found[row.Name] = row
	}
	return found, nil
}

// belongs tells whether the relation's foreign key is in the collection itself.
func (f fieldRow) belongs() bool { return f.Type == "belongsTo" && f.ForeignKey != "" }

// key gives the foreign key of a relation, and any other name as it is.
func (c collection) key(name string) string {
	for _, field := range c.Fields {
		if field.Name == name && field.belongs() {
			return field.ForeignKey
		}
	}
	return name
}

// values gives the fields of a collection that hold values, foreign keys among them, and not related records.
func (c collection) values() []string {
	var names []string
	for _, field := range c.Fields {
		switch {
		case field.Target == "":
			names = append(names, field.Name)
		case field.belongs():
			names = append(names, field.ForeignKey)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// has tells whether a collection has a field or foreign key.
func (c collection) has(name string) bool {
	return slices.Contains(c.values(), name) || slices.ContainsFunc(c.Fields, func(f fieldRow) bool { return f.Name == name })
}

// guarded tells whether the collection has the relation that leads nowhere.
func (c collection) guarded() bool {
	return slices.ContainsFunc(c.Fields, func(f fieldRow) bool { return f.Name == emptyCollection && f.Target == emptyCollection })
}

func (u *userRow) holds(role string) bool {
	return slices.ContainsFunc(u.Roles, func(r struct {
		Name string `json:"name"`
	}) bool {
		return r.Name == role
	})
}

// is tells whether a login means the account: NocoBase takes what has an @ for an address.
func (u *userRow) is(login string) bool {
	if login == "" {
		return false
	}
	if strings.Contains(login, "@") {
		return u.Email == login
	}
	return u.Username == login
}

// login of the account, which NocoBase takes together with the password.
func (u *userRow) login() string {
	if u.Username != "" {
		return u.Username
	}
	return u.Email
}
