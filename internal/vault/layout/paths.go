package layout

// PathValue is a path of Vault's API, without "/v1/" before it, and what is kept there.
type PathValue struct {
	Path  string
	Value any
}

// secretNote stands for a secret in what is printed: its path is planned, its value is made in Vault or in a pod.
type secretNote struct {
	Content string `json:"content"`
	Written string `json:"written"`
}

// Paths lists everything that a layout has in Vault, logins last, as they are made.
func (s Settings) Paths(l Layout) []PathValue {
	paths := []PathValue{
		{s.TransitPath("keys", l.EncryptionKey.Name), l.EncryptionKey},
		{s.TransitPath("keys", l.EvidenceKey.Name), l.EvidenceKey},
	}
	if l.DataKey.Wanted {
		paths = append(paths, PathValue{s.KVDataPath(l.DataKey.Path), secretNote{
			Content: "the application's data key, wrapped by " + l.EncryptionKey.Name, Written: "once, by the operator, which never sees the key"}})
	}
	paths = append(paths, PathValue{s.KVDataPath(l.Admin), secretNote{
		Content: "login and password of the CRM's first administrator", Written: "once, by the migration's agent, when the class has one"}},
		PathValue{s.KVDataPath(l.Adapter), secretNote{
			Content: "login and password of crmkeep's own account in the CRM", Written: "once, by the migration's agent, when the class has an adapter"}},
		PathValue{s.KVDataPath(l.Invitations + "/…"), secretNote{
			Content: "first password of a person", Written: "by the operator, which cannot read it, before it has the account made or lets it in again"}})
	for _, role := range l.Roles {
		paths = append(paths, PathValue{s.PKIRolePath(role.PKI.Name), role.PKI})
	}
	for _, role := range l.Roles {
		paths = append(paths, PathValue{s.AuthRolePath(role.Auth.Name), role.Auth})
	}
	return paths
}
