package upgrade

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crmkeep/crmkeep/api/v1alpha1"
)

const approver = "boss@careful.example"

// goesOn ends with the new version what began with the previous one: an approval, a deletion, and data that was retained.
func (u *upgrade) goesOn(t *testing.T) {
	waiting := &v1alpha1.CRMEnvironment{}
	require.NoError(t, u.Get(t.Context(), keyOf("crm-careful/prod"), waiting))
	require.NotNil(t, waiting.Status.Approval)
	approval := fmt.Sprintf(`{"spec":{"approval":{"by":%q,"request":%q}}}`, approver, waiting.Status.Approval.Request)
	u.kubectl(t, "patch", "crmenvironment", "prod", "-n", "crm-careful", "--type=merge", "-p", approval, "--as="+approver, "--as-group=system:masters")
	u.kubectl(t, "patch", "crmenvironment", "held", "-n", home, "--type=merge", "-p", `{"spec":{"deletionPolicy":"Retain","shred":null}}`)
	u.kubectl(t, "apply", "-f", "testdata/retained.yaml")

	u.comesTo(t, "crm-careful/prod", "True Succeeded")
	u.comesTo(t, home+"/retained", "True Succeeded")
	u.gone(t, home+"/held")
	now := u.record(t)
	for name, was := range u.before.managed {
		if strings.HasPrefix(name, "PersistentVolumeClaim ") {
			assert.Equal(t, was.uid, now.managed[name].uid, name)
		}
	}
	for path, was := range u.before.vault {
		if strings.HasSuffix(path, "/data-key") {
			assert.Equal(t, was, now.vault[path], path)
		}
	}
}
