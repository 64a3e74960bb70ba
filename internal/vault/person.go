package vault

import "github.com/hashicorp/vault/api"

// ConnectAsPerson makes an API client as Vault's own command does: VAULT_ADDR, VAULT_CACERT, VAULT_TOKEN and the other variables say where Vault
// is and who asks.
func ConnectAsPerson() (*api.Client, error) {
	settings := api.DefaultConfig()
	if settings.Error != nil {
		return nil, settings.Error
	}
	return api.NewClient(settings)
}
