package upgrade

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
	"github.com/crmkeep/crmkeep/internal/testing/samples"
)

// incompatible says of samples, such as crmtenant/accepted/named.yaml, why this version takes them no more. It may be absent.
const incompatible = "incompatible.yaml"

func TestWhatThePreviousVersionAcceptedIsAccepted(t *testing.T) {
	from := previous(t)
	server := apitest.Start(t, apitest.WithCRDs("config/crd"))
	c, err := client.New(server.Config(), client.Options{FieldValidation: metav1.FieldValidationStrict})
	require.NoError(t, err)
	require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}}))
	reasons := map[string]string{}
	content, err := os.ReadFile(incompatible)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
		require.NoError(t, yaml.UnmarshalStrict(content, &reasons))
	}

	found, err := filepath.Glob(from.file("test/api/testdata/*/accepted/*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	for _, file := range found {
		kind := filepath.Dir(filepath.Dir(file))
		name := filepath.Base(kind) + "/accepted/" + filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			err := samples.Write(t, c, read(t, filepath.Join(kind, "base.yaml")), read(t, file))
			if reason := reasons[name]; reason != "" {
				require.Error(t, err, "%s says that it is not: %s", incompatible, reason)
				return
			}
			assert.NoError(t, err, "name it in test/upgrade/%s with the reason, if that is meant", incompatible)
		})
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}
