# crmkeep: whoever hands on invitations to {{.Environment}}. Only response wrapping reads one: what is handed on is a token that opens once, so
# nobody has seen the password who has not used the token up.
path "{{.KV}}/data/{{.Namespace}}/invitations/+" {
  capabilities     = ["read"]
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = "{{.MaxTTL}}"
}
