# crmkeep's operator. Written by "crmkeep vault bootstrap"; changes made by hand are undone by its next run.
#
# The operator arranges keys, certificate roles and logins of environments. It can read no plaintext key: it has no decrypt, no
# datakey/plaintext, no export, no backup and no sign of certificates. Of the passwords in tenants' CRMs it reads those of crmkeep's own
# accounts; it makes those that people are invited with, and cannot read them back, nor any first administrator's.
# It has nothing below sys/, auth/token or identity/. In particular it can write no policy: the policies that components get are
# those of the bootstrap, into which Vault fills the namespace and the ServiceAccount that Kubernetes vouches for.
#
# What remains: whoever takes over the operator is an administrator in every CRM that has an account of crmkeep's, can destroy keys, sign
# false evidence, delete from backup locations whatever no object lock holds, change which names a component's certificate may carry,
# and, being the one that runs pods in the namespaces {{.Namespaces}}, can run one as a component. The way is over Kubernetes and leaves
# a login in Vault's audit log, as the reading of an account does. There is no way from here to anything in Vault that is not crmkeep's.

# Make, read and destroy keys; none that could ever leave Vault. Deleting works only after the next rule has allowed it.
path "{{.Transit}}/keys/+" {
  capabilities = ["create", "read", "update", "delete"]
  allowed_parameters = {
    "type"                   = ["aes256-gcm96", "ed25519"]
    "exportable"             = [false]
    "allow_plaintext_backup" = [false]
    "auto_rotate_period"     = []
  }
}

# Rotation period, and the switch before a shred. Not the other settings of this call, which could make a key exportable.
path "{{.Transit}}/keys/+/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "auto_rotate_period" = []
    "deletion_allowed"   = []
  }
}

path "{{.Transit}}/keys/+/rotate" {
  capabilities = ["create", "update"]
}

# New data keys come out wrapped only.
path "{{.Transit}}/datakey/wrapped/+" {
  capabilities = ["create", "update"]
}

# From an old version of a key to the newest, inside Vault.
path "{{.Transit}}/rewrap/+" {
  capabilities = ["create", "update"]
}

# Evidence. Encryption keys cannot sign, so this is for evidence keys alone.
path "{{.Transit}}/sign/+" {
  capabilities = ["create", "update"]
}

# Who may have which certificate.
path "{{.PKI}}/roles" {
  capabilities = ["list"]
}
path "{{.PKI}}/roles/+" {
  capabilities = ["create", "read", "update", "delete"]
}

# Wrapped data keys. Reading one reveals nothing without the right to decrypt, and is needed to wrap it anew after a rotation.
path "{{.KV}}/data/+/data-key" {
  capabilities = ["create", "read", "update"]
}

# crmkeep's own account in each CRM, as which it brings role policies there. The migration writes it.
path "{{.KV}}/data/+/adapter" {
  capabilities = ["read"]
}

# First passwords of people. It cannot read one back: who hands them on opens each once, wrapped.
path "{{.KV}}/data/+/invitations/+" {
  capabilities = ["create", "update"]
}

# An invitation that is used up, or that another takes the place of, is destroyed; a shred destroys all versions of these. It reads none
# of them here, and lists the names of invitations, which are digests.
path "{{.KV}}/metadata/+/data-key" {
  capabilities = ["delete"]
}
path "{{.KV}}/metadata/+/admin" {
  capabilities = ["delete"]
}
path "{{.KV}}/metadata/+/adapter" {
  capabilities = ["delete"]
}
path "{{.KV}}/metadata/+/invitations/+" {
  capabilities = ["delete"]
}
path "{{.KV}}/metadata/+/invitations" {
  capabilities = ["list"]
}

# Credentials of backup locations, which it checks. It does not write them.
path "{{.KV}}/data/{{.Locations}}/*" {
  capabilities = ["read"]
}

# Logins of components: one ServiceAccount of one namespace of crmkeep's, and only the policies of the bootstrap. The roles of others
# have other names and are out of reach. The denied values are globs for "contains a star" and "contains a comma", and the empty
# value, which Vault takes for a list without anything forbidden in it. A parameter that is left out takes Vault's default: to require
# one here would be to require it of reads too. That is no way to other policies or other namespaces.
path "auth/{{.AuthMount}}/role/{{.AuthRolePrefix}}*" {
  capabilities = ["create", "read", "update", "delete"]
  allowed_parameters = {
    "bound_service_account_names"      = []
    "bound_service_account_namespaces" = ["{{.Namespaces}}"]
    "audience"                         = ["{{.Audience}}"]
    "token_policies" = [
{{- range .PolicyLists}}
      "{{.}}",
{{- end}}
    ]
    "token_no_default_policy" = [true]
    "token_type"              = ["batch"]
    "token_ttl"               = []
    "token_max_ttl"           = []
  }
  denied_parameters = {
    "bound_service_account_names"      = ["***", "*,*", ""]
    "bound_service_account_namespaces" = ["***", "*,*", ""]
    "audience"                         = ["*,*", "* *", ""]
    "token_type"                       = ["*,*", "* *", ""]
  }
}
