# crmkeep: a backup may make the passwords of its environment's repositories, and unwrap those that it made before.
path "{{.Transit}}/datakey/plaintext/{{.Namespace}}" {
  capabilities = ["create", "update"]
}
path "{{.Transit}}/decrypt/{{.Namespace}}" {
  capabilities = ["create", "update"]
}

# It signs manifests, which are verified by the public half of the same key.
path "{{.Transit}}/sign/{{.Namespace}}.evidence" {
  capabilities = ["create", "update"]
}
path "{{.Transit}}/keys/{{.Namespace}}.evidence" {
  capabilities = ["read"]
}

# The wrapped data key goes into the manifest as it is.
path "{{.KV}}/data/{{.Namespace}}/data-key" {
  capabilities = ["read"]
}

# Credentials of the locations that it writes to.
path "{{.KV}}/data/{{.Locations}}/*" {
  capabilities = ["read"]
}
