// Package admission proves the admission policies and the roles that are shipped, with the users that they are about, on a real
// API server. Every request is a dry run, so that no case changes what another one meets.
package admission

import (
	"os"
	"testing"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

var server *apitest.Shared

func TestMain(m *testing.M) {
	os.Exit(apitest.Main(m, func(s *apitest.Shared) { server = s }, apitest.WithCRDs("config/crd"), apitest.WithCRDs("controllers/testdata/gateway")))
}
