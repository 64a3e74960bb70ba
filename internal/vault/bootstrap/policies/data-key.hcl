# crmkeep: a component may read its environment's wrapped data key and unwrap it.
path "{{.KV}}/data/{{.Namespace}}/data-key" {
  capabilities = ["read"]
}
path "{{.Transit}}/decrypt/{{.Namespace}}" {
  capabilities = ["create", "update"]
}
