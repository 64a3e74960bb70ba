package workload

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
	"github.com/crmkeep/crmkeep/internal/access"
	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres/serverconfig"
	"github.com/crmkeep/crmkeep/internal/binding"
	"github.com/crmkeep/crmkeep/internal/naming"
	"github.com/crmkeep/crmkeep/internal/plan/secrets"
	"github.com/crmkeep/crmkeep/internal/plan/target"
	"github.com/crmkeep/crmkeep/internal/vault/layout"
)

// socketDir is where Postgres and its agent meet.
const socketDir = "/run/crmkeep/socket"

// Values are the bindings that are no secret, for a component that listens on port.
func Values(t *target.Target, port int32) map[string]string {
	values := map[string]string{
		"app.port":             itoa(port),
		"database.host":        "127.0.0.1",
		"database.name":        t.Class.Database.Name,
		"database.port":        itoa(config.DatabasePort),
		"database.user":        t.Class.Database.Name,
		"environment.hostname": t.PublicHost(),
		"environment.name":     t.Environment,
		"environment.purpose":  string(t.Purpose),
		"environment.url":      t.URL(),
		"files.dir":            config.FilesDir,
		"source.keepLogins":    keepLogins(t),
		"tenant.displayName":   t.DisplayName,
		"tenant.name":          t.Tenant,
		"version":              t.Version.Name,
	}
	if t.Class.Admin != nil {
		values["admin.login"] = t.Class.Admin.Login
	}
	if t.Class.Adapter != "" {
		values["adapter.login"] = access.OperatorLogin
	}
	return values
}

func keepLogins(t *target.Target) string {
	logins := make([]string, len(t.KeepLogins))
	for i, l := range t.KeepLogins {
		logins[i] = string(l)
	}
	return strings.Join(logins, ",")
}

// Identities are the components as Vault and the certificates know them.
func Identities(t *target.Target) []secrets.Component {
	identities := []secrets.Component{identity(naming.ComponentMigrate)}
	identities[0].NeedsDataKey = t.Class.DataKey != nil
	identities[0].NeedsAdmin, identities[0].NeedsAdapter = t.Class.Admin != nil, t.Class.Adapter != ""
	if t.Database.External == nil {
		database := identity(naming.ComponentDatabase)
		database.DNSNames = serviceNames(naming.ComponentDatabase, t.Namespace)
		identities = append(identities, database)
	}
	for _, c := range t.Components {
		i := identity(c.Name)
		i.NeedsDataKey = t.Class.DataKey != nil
		if c.Type == v1alpha1.ComponentWeb {
			i.DNSNames = serviceNames(c.Name, t.Namespace)
			if t.Hostname != "" {
				i.DNSNames = append(i.DNSNames, t.Hostname)
			}
		}
		identities = append(identities, i)
	}
	if hasChecks(t) {
		identities = append(identities, checkIdentity(t))
	}
	return append(identities, runIdentities(t)...)
}

func identity(component string) secrets.Component {
	return secrets.Component{Name: component, ServiceAccount: component}
}

func serviceNames(component, namespace string) []string {
	host := naming.ServiceHost(component, namespace)
	return []string{host, host + ".cluster.local"}
}

// agentConfig is what every agent of the environment has in common.
func agentConfig(t *target.Target, id secrets.Component) config.Config {
	c := config.Config{
		Vault: config.Vault{
			Address:  t.Settings.Vault.Address,
			AuthPath: t.Vault.AuthMount,
			Role:     t.Vault.AuthRoleName(t.Namespace, id.ServiceAccount),
		},
		Certificate: config.Certificate{
			SignPath:   t.Vault.SignPath(layout.PKIRoleName(t.Namespace, id.ServiceAccount)),
			CommonName: naming.CommonName(t.Tenant, t.Environment, id.Name),
			DNSNames:   id.DNSNames,
			TTLSeconds: int64(t.Vault.CertificateTTL.Seconds()),
		},
	}
	if id.NeedsDataKey {
		c.DataKey = dataKeyConfig(t)
	}
	if id.NeedsAdmin {
		c.Admin = &config.Account{Path: t.Vault.KVDataPath(layout.AdminPath(t.Namespace)), Login: t.Class.Admin.Login}
	}
	if id.NeedsAdapter {
		c.Adapter = &config.Account{Path: t.Vault.KVDataPath(layout.AdapterPath(t.Namespace)), Login: access.OperatorLogin}
	}
	return c
}

func dataKeyConfig(t *target.Target) *config.DataKey {
	return &config.DataKey{
		WrappedPath: t.Vault.KVDataPath(layout.DataKeyPath(t.Namespace)),
		DecryptPath: t.Vault.DecryptPath(layout.EncryptionKeyName(t.Namespace)),
	}
}

// applicationConfig is for a pod that runs the product: its files, its environment and its database connection.
func applicationConfig(t *target.Target, id secrets.Component, port int32) config.Config {
	c := agentConfig(t, id)
	c.Database = databaseEndpoint(t)
	migration := id.Name == naming.ComponentMigrate || id.Name == naming.ComponentCheck
	for _, f := range t.Class.Files {
		if migration || f.Audience != audienceMigration {
			c.Files = append(c.Files, config.File{Name: f.Name, Template: binding.Template(f.Template)})
		}
	}
	for _, e := range t.Class.Env {
		if migration || e.Audience != audienceMigration {
			c.Env = append(c.Env, config.Env{Name: e.Name, Template: binding.Template(e.Template)})
		}
	}
	values := Values(t, port)
	for _, b := range binding.All {
		if v, ok := values[b.Name]; ok {
			c.Values = append(c.Values, config.NamedValue{Name: b.Name, Value: v})
		}
	}
	return c
}

const audienceMigration = "Migration"

func databaseEndpoint(t *target.Target) *config.Database {
	if e := t.Database.External; e != nil {
		port := int32(config.DatabasePort)
		if e.Port != nil {
			port = *e.Port
		}
		return &config.Database{Address: e.Host + ":" + itoa(port), ServerName: e.Host, CABundle: e.CABundle}
	}
	host := naming.ServiceHost(naming.ComponentDatabase, t.Namespace)
	return &config.Database{Address: host + ":" + itoa(config.DatabasePort), ServerName: host}
}

// webConfig adds what the component needs that people open.
func webConfig(t *target.Target, id secrets.Component, c target.Component) (config.Config, error) {
	port := *c.Port
	out := applicationConfig(t, id, port)
	out.Inbound = &config.Inbound{Forward: "127.0.0.1:" + itoa(port)}
	values := Values(t, port)
	var err error
	if out.Readiness, err = probe(c.Readiness, port, values); err != nil {
		return out, err
	}
	out.Liveness, err = probe(c.Liveness, port, values)
	return out, err
}

func probe(check *v1alpha1.HTTPCheck, port int32, values map[string]string) (*config.HTTPProbe, error) {
	if check == nil {
		return nil, nil
	}
	path, err := binding.Template(check.Path).Render(values)
	if err != nil {
		return nil, err
	}
	body, err := binding.Template(check.Body).Render(values)
	if err != nil {
		return nil, err
	}
	p := &config.HTTPProbe{Port: port, Method: check.Method, Path: path, Body: body, BodyContains: check.Contains}
	if check.ContentType != "" {
		p.Header = []config.Header{{Name: "Content-Type", Value: check.ContentType}}
	}
	if check.Status != nil {
		p.Status = *check.Status
	}
	return p, nil
}

// maxConnections leaves room for every replica's pool; each costs the server some megabytes only while it is used.
const maxConnections = 100

// databaseConfig is for the pod of Postgres.
func databaseConfig(t *target.Target, id secrets.Component) (config.Config, error) {
	c := agentConfig(t, id)
	c.Certificate.WriteFiles = true
	c.Postgres = &config.Postgres{
		SocketDir:  socketDir,
		Database:   t.Class.Database.Name,
		Owner:      t.Class.Database.Name,
		Extensions: t.Class.Database.Extensions,
		Readers:    []string{naming.BackupRole(t.Class.Database.Name)},
		Restorers:  []string{naming.RestoreRole(t.Class.Database.Name)},
	}
	server := serverconfig.Server{
		ConfigDir: config.FilesDir, SocketDir: socketDir, FilesDir: config.FilesDir,
		MemoryBytes: t.Database.Memory.Value(), MaxConnections: maxConnections, Database: t.Class.Database.Name,
	}
	for _, i := range Identities(t) {
		if i.Name != naming.ComponentDatabase {
			server.Clients = append(server.Clients, serverconfig.Client{
				CommonName: naming.CommonName(t.Tenant, t.Environment, i.Name), Role: databaseRole(t, i),
				EveryDatabase: i.Run == layout.GrantRestore,
			})
		}
	}
	files, err := server.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c.Files = append(c.Files, config.File{Name: name, Template: binding.Literal(files[name])})
	}
	return c, err
}

// encode writes a configuration. It is made of plain values, so this cannot fail. It goes through JSON for the names of the fields,
// which is an order of magnitude faster to read back than YAML; a pass encodes every agent's.
func encode(c config.Config) string {
	plain, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(plain, &fields); err != nil {
		panic(err)
	}
	out, err := yaml.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(out)
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }
