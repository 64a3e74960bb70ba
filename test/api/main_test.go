// Package api proves the rules of the kinds and the admission policies on a real API server.
package api

import (
	"os"
	"testing"

	"github.com/crmkeep/crmkeep/internal/testing/apitest"
)

var server *apitest.Shared

func TestMain(m *testing.M) {
	os.Exit(apitest.Main(m, func(s *apitest.Shared) { server = s }, apitest.WithCRDs("config/crd")))
}
