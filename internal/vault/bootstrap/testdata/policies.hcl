# --- policy crmkeep-operator
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
# and, being the one that runs pods in the namespaces crm-*, can run one as a component. The way is over Kubernetes and leaves
# a login in Vault's audit log, as the reading of an account does. There is no way from here to anything in Vault that is not crmkeep's.

# Make, read and destroy keys; none that could ever leave Vault. Deleting works only after the next rule has allowed it.
path "crmkeep-transit/keys/+" {
  capabilities = ["create", "read", "update", "delete"]
  allowed_parameters = {
    "type"                   = ["aes256-gcm96", "ed25519"]
    "exportable"             = [false]
    "allow_plaintext_backup" = [false]
    "auto_rotate_period"     = []
  }
}

# Rotation period, and the switch before a shred. Not the other settings of this call, which could make a key exportable.
path "crmkeep-transit/keys/+/config" {
  capabilities = ["create", "update"]
  allowed_parameters = {
    "auto_rotate_period" = []
    "deletion_allowed"   = []
  }
}

path "crmkeep-transit/keys/+/rotate" {
  capabilities = ["create", "update"]
}

# New data keys come out wrapped only.
path "crmkeep-transit/datakey/wrapped/+" {
  capabilities = ["create", "update"]
}

# From an old version of a key to the newest, inside Vault.
path "crmkeep-transit/rewrap/+" {
  capabilities = ["create", "update"]
}

# Evidence. Encryption keys cannot sign, so this is for evidence keys alone.
path "crmkeep-transit/sign/+" {
  capabilities = ["create", "update"]
}

# Who may have which certificate.
path "crmkeep-pki/roles" {
  capabilities = ["list"]
}
path "crmkeep-pki/roles/+" {
  capabilities = ["create", "read", "update", "delete"]
}

# Wrapped data keys. Reading one reveals nothing without the right to decrypt, and is needed to wrap it anew after a rotation.
path "crmkeep-kv/data/+/data-key" {
  capabilities = ["create", "read", "update"]
}

# crmkeep's own account in each CRM, as which it brings role policies there. The migration writes it.
path "crmkeep-kv/data/+/adapter" {
  capabilities = ["read"]
}

# First passwords of people. It cannot read one back: who hands them on opens each once, wrapped.
path "crmkeep-kv/data/+/invitations/+" {
  capabilities = ["create", "update"]
}

# An invitation that is used up, or that another takes the place of, is destroyed; a shred destroys all versions of these. It reads none
# of them here, and lists the names of invitations, which are digests.
path "crmkeep-kv/metadata/+/data-key" {
  capabilities = ["delete"]
}
path "crmkeep-kv/metadata/+/admin" {
  capabilities = ["delete"]
}
path "crmkeep-kv/metadata/+/adapter" {
  capabilities = ["delete"]
}
path "crmkeep-kv/metadata/+/invitations/+" {
  capabilities = ["delete"]
}
path "crmkeep-kv/metadata/+/invitations" {
  capabilities = ["list"]
}

# Credentials of backup locations, which it checks. It does not write them.
path "crmkeep-kv/data/locations/*" {
  capabilities = ["read"]
}

# Logins of components: one ServiceAccount of one namespace of crmkeep's, and only the policies of the bootstrap. The roles of others
# have other names and are out of reach. The denied values are globs for "contains a star" and "contains a comma", and the empty
# value, which Vault takes for a list without anything forbidden in it. A parameter that is left out takes Vault's default: to require
# one here would be to require it of reads too. That is no way to other policies or other namespaces.
path "auth/kubernetes/role/crmkeep.*" {
  capabilities = ["create", "read", "update", "delete"]
  allowed_parameters = {
    "bound_service_account_names"      = []
    "bound_service_account_namespaces" = ["crm-*"]
    "audience"                         = ["vault"]
    "token_policies" = [
      "crmkeep-component-admin,crmkeep-component-certificate",
      "crmkeep-component-admin,crmkeep-component-certificate,crmkeep-component-data-key",
      "crmkeep-component-backup,crmkeep-component-certificate",
      "crmkeep-component-certificate",
      "crmkeep-component-certificate,crmkeep-component-data-key",
      "crmkeep-component-certificate,crmkeep-component-restore",
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

# --- policy crmkeep-component-admin
# crmkeep: a component may make the CRM's first administrator and crmkeep's own account, and read them; without "update" it cannot
# replace one.
path "crmkeep-kv/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/admin" {
  capabilities = ["create", "read"]
}
path "crmkeep-kv/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/adapter" {
  capabilities = ["create", "read"]
}

# --- policy crmkeep-component-backup
# crmkeep: a backup may make the passwords of its environment's repositories, and unwrap those that it made before.
path "crmkeep-transit/datakey/plaintext/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}" {
  capabilities = ["create", "update"]
}
path "crmkeep-transit/decrypt/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}" {
  capabilities = ["create", "update"]
}

# It signs manifests, which are verified by the public half of the same key.
path "crmkeep-transit/sign/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}.evidence" {
  capabilities = ["create", "update"]
}
path "crmkeep-transit/keys/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}.evidence" {
  capabilities = ["read"]
}

# The wrapped data key goes into the manifest as it is.
path "crmkeep-kv/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/data-key" {
  capabilities = ["read"]
}

# Credentials of the locations that it writes to.
path "crmkeep-kv/data/locations/*" {
  capabilities = ["read"]
}

# --- policy crmkeep-component-certificate
# crmkeep: a component may have its own certificate signed. Vault fills in who logged in, as Kubernetes vouched for it.
path "crmkeep-pki/sign/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}.{{identity.entity.aliases.ACCESSOR.metadata.service_account_name}}" {
  capabilities = ["create", "update"]
}

# --- policy crmkeep-component-data-key
# crmkeep: a component may read its environment's wrapped data key and unwrap it.
path "crmkeep-kv/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/data-key" {
  capabilities = ["read"]
}
path "crmkeep-transit/decrypt/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}" {
  capabilities = ["create", "update"]
}

# --- policy crmkeep-component-restore
# crmkeep: a restore may read backups of the environment whose workload namespace its ServiceAccount is named after: unwrap the
# passwords of that environment's repositories and the data key in its manifests, and verify these.
path "crmkeep-transit/decrypt/{{identity.entity.aliases.ACCESSOR.metadata.service_account_name}}" {
  capabilities = ["create", "update"]
}
path "crmkeep-transit/keys/{{identity.entity.aliases.ACCESSOR.metadata.service_account_name}}.evidence" {
  capabilities = ["read"]
}

# In a copy that data key becomes the one of its own environment: wrapped by the key of its own namespace, and written once. Without
# "create" no key comes into being here, and without "update" there no data key is replaced. What it wrote it cannot unwrap.
path "crmkeep-transit/encrypt/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}" {
  capabilities = ["update"]
}
path "crmkeep-kv/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/data-key" {
  capabilities = ["create", "read"]
}

# Credentials of the locations that it reads from.
path "crmkeep-kv/data/locations/*" {
  capabilities = ["read"]
}

