# crmkeep: a component may have its own certificate signed. Vault fills in who logged in, as Kubernetes vouched for it.
path "{{.PKI}}/sign/{{.Namespace}}.{{.ServiceAccount}}" {
  capabilities = ["create", "update"]
}
