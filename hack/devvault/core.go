package main

import (
	log "github.com/hashicorp/go-hclog"
	kubeauth "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/builtin/logical/database"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/plugins/database/postgresql"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	physFile "github.com/hashicorp/vault/sdk/physical/file"
	physInmem "github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// newCore makes a Vault that keeps its data in dir, or in memory when dir is empty.
func newCore(dir, url string, logger log.Logger) (*vault.Core, error) {
	var storage physical.Backend
	var err error
	if dir == "" {
		storage, err = physInmem.NewInmem(nil, logger)
	} else {
		storage, err = physFile.NewFileBackend(map[string]string{"path": dir}, logger)
	}
	if err != nil {
		return nil, err
	}
	return vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		DisableMlock:    true, // mlock needs a capability that a restricted pod does not have
		Logger:          logger,
		RedirectAddr:    url,
		BuiltinRegistry: plugins{},
		LogicalBackends: map[string]logical.Factory{
			"database": database.Factory,
			"kv":       kv.Factory,
			"pki":      pki.Factory,
			"transit":  transit.Factory,
		},
		CredentialBackends: map[string]logical.Factory{
			"approle":    approle.Factory,
			"kubernetes": kubeauth.Factory,
			"userpass":   userpass.Factory,
		},
		AuditBackends: map[string]audit.Factory{"file": audit.NewFileBackend},
	})
}

// plugins is Vault's registry of built-in plug-ins; the database engine's one for PostgreSQL is all there is.
type plugins struct{}

const postgresPlugin = "postgresql-database-plugin"

func (plugins) Contains(name string, kind consts.PluginType) bool {
	return kind == consts.PluginTypeDatabase && name == postgresPlugin
}

func (p plugins) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	if !p.Contains(name, kind) {
		return nil, false
	}
	return postgresql.New, true
}

func (plugins) Keys(kind consts.PluginType) []string {
	if kind != consts.PluginTypeDatabase {
		return nil
	}
	return []string{postgresPlugin}
}

func (p plugins) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, p.Contains(name, kind)
}

func (plugins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
