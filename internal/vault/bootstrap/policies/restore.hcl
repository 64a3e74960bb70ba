# crmkeep: a restore may read backups of the environment whose workload namespace its ServiceAccount is named after: unwrap the
# passwords of that environment's repositories and the data key in its manifests, and verify these.
path "{{.Transit}}/decrypt/{{.ServiceAccount}}" {
  capabilities = ["create", "update"]
}
path "{{.Transit}}/keys/{{.ServiceAccount}}.evidence" {
  capabilities = ["read"]
}

# In a copy that data key becomes the one of its own environment: wrapped by the key of its own namespace, and written once. Without
# "create" no key comes into being here, and without "update" there no data key is replaced. What it wrote it cannot unwrap.
path "{{.Transit}}/encrypt/{{.Namespace}}" {
  capabilities = ["update"]
}
path "{{.KV}}/data/{{.Namespace}}/data-key" {
  capabilities = ["create", "read"]
}

# Credentials of the locations that it reads from.
path "{{.KV}}/data/{{.Locations}}/*" {
  capabilities = ["read"]
}
