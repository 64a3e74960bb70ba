# crmkeep: a component may make the CRM's first administrator and read it; without "update" it cannot replace one.
path "{{.KV}}/data/{{.Namespace}}/admin" {
  capabilities = ["create", "read"]
}
