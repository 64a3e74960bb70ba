# crmkeep's build. Everything that a target needs is made by it, into the user's cache: a second clone builds nothing twice.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# One set of flags for programs, tests and checks, so that each package is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath

# Programs of hack/ are asked for in recipes and not here, so that `make help` builds none.
TOOL = hack/tools/install.sh
IMAGES = crmkeep postgres tryton ttrss

# What tests need beyond Go. With CRMKEEP_REQUIRE_ALL a test that lacks something fails instead of being skipped.
WITH_API = export CRMKEEP_REQUIRE_ALL=1 KUBEBUILDER_ASSETS="$${KUBEBUILDER_ASSETS:-$$(hack/cluster/scripts/build.sh --path)}";
WITH_ALL = $(WITH_API) export \
	CRMKEEP_VAULT_BINARY="$${CRMKEEP_VAULT_BINARY:-$$(hack/devvault/build.sh)}" \
	CRMKEEP_RESTIC_BINARY="$${CRMKEEP_RESTIC_BINARY:-$$($(TOOL) restic)}" \
	CRMKEEP_VERSITYGW_BINARY="$${CRMKEEP_VERSITYGW_BINARY:-$$($(TOOL) versitygw)}" \
	HELM="$${HELM:-$$($(TOOL) helm)}" \
	PATH="$$PATH:/usr/lib/postgresql/15/bin";
# gotestsum runs `go test` and ends with the number of tests that ran, failed and were skipped. Up to ten that fail are run once more:
# dozens of real servers share two cores with others' work. A test that needs it is still listed as failed, and is to be mended.
# What they run is vetted by lint, once.
TEST = "$$($(TOOL) gotestsum)" --format-hide-empty-pkg --rerun-fails=1 --rerun-fails-max-failures=10 --format
# On the cluster three tests run at once: their pods ask for as much as a node of two processors has.
# The packages that take minutes are tested before the others. Tests mostly wait, so one more runs at once than there are processors.
LONGEST = ./controllers ./test/faults ./internal/access/tryton

##@ General

.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: clean
clean: ## Remove what was built here; the user's cache stays
	rm -rf bin .build coverage.out

##@ Build

.PHONY: build
build: ## Build bin/crmkeep
	@# The same sources give the same bytes, so that an image is made anew only when the program changed.
	go build -buildvcs=false -ldflags='-s -w' -o bin/crmkeep .

.PHONY: images
images: build ## Build the container images into .build/images (needs root)
	hack/images/build.sh --binary bin/crmkeep $(IMAGES)

.PHONY: generate
generate: ## Generate deep copies, apply configurations, CRDs, RBAC and the reference from the types and markers
	controller_gen="$$($(TOOL) controller-gen)"; \
	"$$controller_gen" object applyconfiguration paths=./api/...; \
	"$$controller_gen" crd paths=./api/... output:crd:dir=config/crd; \
	"$$controller_gen" rbac:roleName=crmkeep-manager,fileName=role.yaml paths=./controllers/... output:rbac:dir=config/rbac
	mkdir -p docs/reference
	"$$($(TOOL) crd-ref-docs)" --source-path=api/v1alpha1 --config=hack/docs/crd-ref-docs.yaml --renderer=markdown \
		--output-path=docs/reference/api.md --log-level=ERROR
	go test ./docs/reference -update >/dev/null

##@ Checks

.PHONY: lint
lint: packages ## Check the Go code and the scripts
	"$$($(TOOL) golangci-lint)" run ./...
	git ls-files -co --exclude-standard -- '*.sh' .ci/run | while read -r file; do [ ! -e "$$file" ] || printf '%s\0' "$$file"; done | \
		xargs -0 shellcheck --external-sources --source-path=SCRIPTDIR

.PHONY: verify-generated
verify-generated: generate ## Fail when generated files are not up to date
	@out=$$(git status --porcelain -- api config charts docs/reference); \
	if [ -n "$$out" ]; then \
		echo "generated files differ from what is committed; run make generate and commit:" >&2; \
		echo "$$out" >&2; git --no-pager diff --stat -- api config charts docs/reference >&2; exit 1; \
	fi

##@ Tests

.PHONY: test
test: ## Run all tests, on real components, and of test-faults a sample; needs root (20 min, the first time 35)
	hack/test.sh

.PHONY: test-unit
test-unit: ## Run what needs Go only: unit and golden tests
	env -u KUBEBUILDER_ASSETS -u CRMKEEP_VAULT_BINARY -u CRMKEEP_TRYTON_ROOT -u CRMKEEP_NOCOBASE_DIR -u CRMKEEP_REQUIRE_ALL go test ./...

.PHONY: test-api
test-api: ## Run the tests on a real API server: the kinds' rules, admission, controllers
	$(WITH_API) $(TEST)=pkgname --packages="$$(grep -rl --include='*_test.go' internal/testing/apitest . | xargs dirname | sort -u | tr '\n' ' ')" -- -vet=off -timeout=25m

.PHONY: test-integration
test-integration: packages ## Run all tests but those on a cluster, with a real API server, Vault, Postgres, Tryton and NocoBase (needs root)
	$(WITH_ALL) export CRMKEEP_TRYTON_ROOT="$${CRMKEEP_TRYTON_ROOT:-$$(hack/images/rootfs.sh tryton)}" \
		CRMKEEP_NOCOBASE_DIR="$${CRMKEEP_NOCOBASE_DIR:-$$(hack/nocobase/install.sh)}"; $(TEST)=pkgname --packages="$(LONGEST) ./..." -- -vet=off -p="$$(($$(nproc) + 1))" -timeout=25m

.PHONY: test-faults
test-faults: packages ## Kill the manager at every write of a whole life, and lie to it in every way; needs root; PARTS=2 processes kill; make test tries a sample (1 to 2 h)
	$(WITH_ALL) hack/test-faults.sh
	$(WITH_ALL) CRMKEEP_MANAGER_AWAY=10m go test ./test/e2e -tags=e2e -count=1 -timeout=1h -v -run=TestNoAcknowledgedWriteIsLost

.PHONY: test-scale
test-scale: ## Count the writes, reads and passes that environments cost: the short form of bench-scale
	hack/bench-scale.sh check

.PHONY: test-tools
test-tools: ## Run the tests of the development Vault and of the cluster's scripts and add-ons
	hack/cluster/scripts/test-lib.sh
	for module in hack/devvault hack/cluster/addons; do (cd $$module && go test ./...); done

.PHONY: test-images
test-images: images ## Prove the built images without Kubernetes, as confined as in a pod (needs root, 5 min)
	hack/images/check.sh

.PHONY: test-e2e
test-e2e: ## Run the tests on a local cluster; RUN=REGEXP chooses (needs root)
	$(WITH_ALL) $(TEST)=testname --packages=./test/e2e/... -- -vet=off -tags=e2e -count=1 -parallel=3 -timeout=45m -run='$(RUN)'

.PHONY: bench-agent
bench-agent: packages ## Measure a database connection through the agent beside direct TLS (5 min)
	$(WITH_ALL) hack/bench-agent.sh

.PHONY: bench-backup
bench-backup: packages ## Measure a backup beside pg_dump | restic by hand; BENCH_BYTES=N for less than 1 GiB (15 min)
	$(WITH_ALL) hack/bench-backup.sh

.PHONY: bench-roles
bench-roles: packages ## Measure role policies on a real Tryton, and a leaver of 200 CRMs; needs root (5 min)
	$(WITH_ALL) export CRMKEEP_TRYTON_ROOT="$${CRMKEEP_TRYTON_ROOT:-$$(hack/images/rootfs.sh tryton)}"; hack/bench-roles.sh

.PHONY: bench-scale
bench-scale: ## Measure N environments at once beside a bare client and Helm; OPTIONS='--rounds=1 ...' (N=300: 1 h)
	hack/bench-scale.sh $(or $(N),300) $(OPTIONS)

.PHONY: packages
packages:
	hack/packages.sh

##@ Local cluster

.PHONY: demo
demo: ## From nothing to a CRM that a person can log in to, with proofs (needs root)
	hack/demo.sh

.PHONY: demo-down
demo-down: ## Remove all that the demo made
	hack/demo.sh down

.PHONY: cluster-up
cluster-up: ## Start the local one-node cluster (needs root)
	hack/cluster/scripts/up.sh node

.PHONY: cluster-down
cluster-down: ## Remove the local cluster
	hack/cluster/scripts/down.sh node
