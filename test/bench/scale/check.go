package main

import (
	"errors"
	"fmt"
)

// check compares what was counted of crmkeep with what it owes. Seconds are no criterion: they are the machine's.
func (r *report) check() error {
	var errs []error
	for _, s := range r.Samples {
		if s.Way != "crmkeep" {
			continue
		}
		for _, owed := range s.owed() {
			if owed.have > owed.most {
				errs = append(errs, fmt.Errorf("%d environments: %s: %.2f, at most %.2f", s.N, owed.what, owed.have, owed.most))
			}
		}
	}
	return errors.Join(errs...)
}

type debt struct {
	what       string
	have, most float64
}

// rare is for what happens a few times in a run however many environments there are, such as a try that lost against another write.
const rare = 0.3

func (s sample) owed() []debt {
	vault := func(operations ...string) (sum float64) {
		for _, operation := range operations {
			for _, mount := range []string{"auth", "crmkeep-kv", "crmkeep-pki", "crmkeep-transit"} {
				sum += s.Vault[operation+" "+mount]
			}
		}
		return sum
	}
	debts := []debt{
		// The record of the version is written again when the migration has reached it.
		{"applied objects for each environment", s.Calls["APPLY"], float64(s.Objects) + 1 + rare},
		// Two for each of the claim, the database, the migration, the application and its two components, and the finalizer.
		{"patches for each environment", s.Calls["PATCH"], 11},
		{"events for each environment", s.Calls["POST"], 2 + rare},
		{"deletions for each environment", s.Calls["DELETE"], 1 + rare},
		// A pass before whose cache has shown what the last one made tries to make it, and then asks whose it is.
		{"uncached reads for each environment", s.Calls["GET"], 1},
		{"lists for each environment", s.Calls["LIST"], rare},
		{"passes for each object", s.ReconcilesPerObject, 2},
		// Two keys, and two roles for each of the application's two components, database, migration, backup and restore.
		{"writes to Vault for each environment", vault("create", "update", "delete"), 14 + rare},
		{"lists in Vault for each environment", vault("list"), 1},
		{"writes of a second pass", s.SecondPass.Writes, 0},
		{"uncached reads of a second pass", s.SecondPass.Reads, 0},
		{"requests to Vault of a second pass", total(s.SecondPass.Vault), 0},
		{"writes after a restart", s.Restart.Verified.Writes, 0},
	}
	if d := s.Deletion; d != nil {
		debts = append(debts,
			debt{"namespaces left", float64(d.Namespaces), 0}, debt{"roles left in Vault", float64(d.Roles), 0},
			debt{"secrets left in Vault", float64(d.Secrets), 0}, debt{"keys left that are no evidence", float64(d.Foreign), 0})
	}
	return debts
}

func total(counts map[string]float64) (sum float64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
