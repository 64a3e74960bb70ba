# crmkeep: a restore may read backups of the environment whose workload namespace its ServiceAccount is named after: unwrap the
# passwords of that environment's repositories, and verify its manifests. It has no right on any other key.
path "{{.Transit}}/decrypt/{{.ServiceAccount}}" {
  capabilities = ["create", "update"]
}
path "{{.Transit}}/keys/{{.ServiceAccount}}.evidence" {
  capabilities = ["read"]
}

# Credentials of the locations that it reads from.
path "{{.KV}}/data/{{.Locations}}/*" {
  capabilities = ["read"]
}
