# crmkeep: a component may make the CRM's first administrator and crmkeep's own account, and read them; without "update" it cannot
# replace one.
path "{{.KV}}/data/{{.Namespace}}/admin" {
  capabilities = ["create", "read"]
}
path "{{.KV}}/data/{{.Namespace}}/adapter" {
  capabilities = ["create", "read"]
}
