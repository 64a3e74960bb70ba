package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crmkeep/crmkeep/internal/agent/config"
	"github.com/crmkeep/crmkeep/internal/agent/postgres"
)

func TestAKeeperRefusesNamesThatAreNotPlain(t *testing.T) {
	for problem, want := range map[string]config.Postgres{
		`role "postgres"`:              {Database: "crm", Owner: "postgres"},
		`database "crm; drop"`:         {Database: "crm; drop", Owner: "crm"},
		`role "public"`:                {Database: "crm", Owner: "crm", Readers: []string{"public"}},
		`extension "pg_trgm\" cascade`: {Database: "crm", Owner: "crm", Extensions: []string{`pg_trgm" cascade`}},
	} {
		_, err := postgres.NewKeeper(want, nil)
		assert.ErrorContains(t, err, problem)
	}
}
