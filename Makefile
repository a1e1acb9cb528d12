# `make help` lists the targets; `make test` is what CI runs.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# One thing after the other, but for the last of `make test`: most of that waits for minutes to pass.
ifndef BESIDE
.NOTPARALLEL:
endif

FUZZTIME  ?= 30s
SOAK      ?= 10m
SOAK_SEED ?= $(shell date +%s)
IMAGE     ?= localhost/kie_exporter
# A mirror of the vulnerability database, and whether `make vuln` fails where it can't be reached.
VULNDB    ?= https://vuln.go.dev
VULN      ?= optional

# One way of compiling for the program, tools and tests, so that each package is compiled once but for the race detector: static, and without the
# names of folders, as a release is.
export CGO_ENABLED := 0
export GOFLAGS     := $(strip -trimpath $(GOFLAGS))
# The compiler, the linker and linters collect no garbage before they have 2 GiB of it: a fifth less processor time. What they make is the same. The programs
# that are made collect theirs as ever.
WASTEFUL := GOGC=off GOMEMLIMIT=2GiB
test quick: export GOFLAGS += "-toolexec=env $(WASTEFUL)"

# What --version, packages and the image's labels say; the date is the commit's, so that a build can be repeated.
VERSION    := $(or $(VERSION),$(shell internal/tools/version.sh))
REVISION   := $(or $(REVISION),$(shell git rev-parse --verify HEAD 2>/dev/null || echo unknown))
BRANCH     := $(or $(BRANCH),$(shell git branch --show-current 2>/dev/null | grep . || echo unknown))
BUILD_USER := $(or $(BUILD_USER),$(shell id -un)@$(shell uname -n))
BUILD_DATE := $(or $(BUILD_DATE),$(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d-%H:%M:%S 2>/dev/null || echo unknown))
export VERSION REVISION BRANCH BUILD_USER BUILD_DATE

VERSION_PKG := github.com/prometheus/common/version
LDFLAGS     := -s -w -X $(VERSION_PKG).Version=$(VERSION) -X $(VERSION_PKG).Revision=$(REVISION) \
	-X $(VERSION_PKG).Branch=$(BRANCH) -X $(VERSION_PKG).BuildUser=$(BUILD_USER) -X $(VERSION_PKG).BuildDate=$(BUILD_DATE)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
# Vet is in the linter's standard set, so it is not run once more.
test: ready fmt-check mod-check vuln docs-check image-lint running ## every check; what CI runs

# In this order: those that wait most come first, and lint, which only works, last. What they need is built before, so that it is not compiled by two at
# the same time; beside each other they name it no more, as make would begin with those that need nothing.
BESIDE_EACH_OTHER := race portable dashboards-check e2e redis-check package-check rules-check feeding-check scrape-check deploy-check tools-check lint
ifndef BESIDE
PROGRAM  := build
PACKAGES := packages
LINTER   := $(CURDIR)/.cache/bin/golangci-lint
endif
JOBS ?= 3

.PHONY: running
running:
	+$(MAKE) --no-print-directory BESIDE=1 --jobs=$(JOBS) --output-sync=target $(BESIDE_EACH_OTHER)

# What the checks need: two tools at a time, as each has an end for which one processor is enough, but those that share packages one after the other, and the
# program, whose packages all share, before.
.PHONY: ready linters servers
ready: build
	+$(MAKE) --no-print-directory BESIDE=1 --jobs=3 packages linters servers
linters:
	+$(MAKE) --no-print-directory BESIDE= $(addprefix $(CURDIR)/.cache/bin/,golangci-lint dockerlint doclinks panelcheck testlog)
servers:
	+$(MAKE) --no-print-directory BESIDE= $(addprefix $(CURDIR)/.cache/bin/,promtool prometheus pint alertmanager caddy)

.PHONY: quick
quick: vet lint ## what to run while working: vet, lint and all unit tests, of which those that nothing has changed for are not run again
	go test ./...
	go -C $(TOOLS_MOD) test ./...
	go -C $(TOOLS_MOD)/readers test ./...
	go -C $(TOOLS_MOD)/workflows test ./...
	go -C $(SERVED_MOD) test -short ./...

# Nothing installs there what a few tests use: these are skipped, and with CI set they would fail.
.PHONY: unit
unit: ## the exporter's own tests, without the race detector; what CI runs on macOS and Windows
	CI= go test ./...

.PHONY: build
build: ## compile ./kie_exporter
	go build -ldflags '$(LDFLAGS)' -o kie_exporter .

.PHONY: generate
generate: ## write all that is generated; ONLY="metrics dashboards" writes these
	go -C $(TOOLS_MOD) run ./generate $(ONLY)

.PHONY: clean
clean: ## remove what the targets made
	rm -rf .cache kie_exporter

# Checks, each a part of `make test`

TOOLS_MOD   := internal/tools
RELEASE_MOD := internal/tools/release
SERVED_MOD  := test/served
E2E_MOD     := test/e2e
DEPLOY_MOD  := test/deploy
FEEDING_MOD := test/feeding
REDIS_MOD   := test/redis
# All modules with code of ours; what only tools and tests need is in none but its own.
MODULES     := . $(TOOLS_MOD) $(TOOLS_MOD)/readers $(TOOLS_MOD)/workflows $(RELEASE_MOD) $(SERVED_MOD) $(E2E_MOD) $(DEPLOY_MOD) $(FEEDING_MOD) $(REDIS_MOD)
BIN         := $(CURDIR)/.cache/bin

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code
	$< fmt

.PHONY: fmt-check
fmt-check: $(BIN)/golangci-lint
	$< fmt --diff

.PHONY: vet
vet:
	for module in $(MODULES); do go -C $$module vet ./...; done

.PHONY: lint
lint: $(LINTER) ## golangci-lint
	for module in $(MODULES); do (cd $$module && $(WASTEFUL) $(BIN)/golangci-lint run); done

.PHONY: mod-check
mod-check:
	for module in $(MODULES) $(TOOLS_MOD)/pint; do go -C $$module mod tidy -diff; done
	go mod verify

.PHONY: vuln
vuln: ## known vulnerabilities, where their database is reachable; VULN=required: or fail
	@if curl -fs -m 10 -o /dev/null $(VULNDB)/index/db.json; then $(MAKE) $(BIN)/govulncheck && $(BIN)/govulncheck -db $(VULNDB) ./...; \
	elif [ $(VULN) = required ]; then echo "govulncheck: $(VULNDB) is not reachable; VULNDB=URL names a mirror" >&2; exit 1; \
	else echo "govulncheck: skipped, $(VULNDB) is not reachable"; fi

.PHONY: docs-check
docs-check: $(BIN)/doclinks ## generated documents are current, no link is broken
	test/generate-check.sh
	$<

.PHONY: links
links: $(BIN)/doclinks ## follow the links to other hosts, and write when that was; where there is no network it says so
	$< -follow

# Without what only debuggers read, and without what `make vet` has done: there are over a hundred programs of tests to link.
LEAN := -vet=off -ldflags=-s -timeout=20m
# In CI tests run in another order each time. Elsewhere go need not run again those that nothing has changed for.
SHUFFLE := $(if $(CI),-shuffle=on)

# What tests named TestLarge… do to a gigabyte or a million tasks, others do to a few under the race detector, where it would take ten times as long.
LARGE = $(addprefix ./,$(sort $(dir $(shell git grep -l 'func TestLarge' -- '*_test.go' ':!test'))))
# Tests of many packages wait more than they work, so four at a time keep two processors busy.
RACE  = go test -race -p 4 $(SHUFFLE) $(LEAN) -json

.PHONY: race
race: $(PACKAGES) $(BIN)/testlog ## the exporter's tests, fuzz seeds included; under the race detector but for what is large
	{ CGO_ENABLED=1 $(RACE) -skip '^TestLarge' ./... && go test $(LEAN) -json -run '^TestLarge' $(LARGE) && (cd $(SERVED_MOD) && CGO_ENABLED=1 $(RACE) ./...); } \
		| $(BIN)/testlog .cache/tests
	go -C $(TOOLS_MOD) run ./badinput ran $(CURDIR) $(CURDIR)/.cache/tests

.PHONY: tools-check
tools-check: ## tests of tools and of the simulation of polling
	go test $(LEAN) ./internal/sim/polling
	go -C $(TOOLS_MOD) test $(SHUFFLE) $(LEAN) ./...
	go -C $(TOOLS_MOD)/readers test $(LEAN) ./...
	go -C $(TOOLS_MOD)/workflows test $(LEAN) ./...

# Program and tests are type-checked for these, a tenth of what compiling takes; a release is compiled for them. For 386 tests run, too, as amd64 can do
# that; those that take long are left to `make race`.
PLATFORMS := windows/amd64 darwin/arm64 freebsd/amd64 openbsd/amd64 linux/arm linux/s390x

.PHONY: portable
portable: $(PACKAGES) ## other systems and processors: program and tests are right there for the compiler, and tests pass where int has 32 bits; and without Redis
	go build -tags noredis -o .cache/kie_exporter-noredis .
	$(WASTEFUL) go -C $(TOOLS_MOD) run ./typecheck $(CURDIR) $(PLATFORMS)
	if [[ $$(go env GOHOSTOS)/$$(go env GOHOSTARCH) == linux/amd64 ]]; then export GOARCH=386; go test -short $(LEAN) ./... && go -C $(SERVED_MOD) test -short $(LEAN) ./...; \
	else GOOS=linux GOARCH=386 go vet ./...; fi

.PHONY: scrape-check
scrape-check: $(PROGRAM) $(BIN)/promtool ## run the demo, scrape it, have promtool judge it
	test/scrape-check.sh $(BIN)/promtool ./kie_exporter

RULES := $(wildcard alerts/kie_exporter.*.yml) alerts/thresholds.example.yml
.PHONY: rules-check
rules-check: $(BIN)/promtool $(BIN)/pint ## recording and alert rules and their unit tests
	$(BIN)/pint --offline --no-color --log-level=warn lint --min-severity=info --fail-on=info $(RULES)
	$< check rules --lint=all --lint-fatal $(RULES)
	$(WASTEFUL) $< test rules alerts/tests/*.test.yml
	go -C $(TOOLS_MOD) run ./mixin render $(CURDIR) $(CURDIR)/deploy/mixin/example/example.jsonnet $(CURDIR)/.cache/mixin
	$< check rules --lint=all --lint-fatal .cache/mixin/rules.yml .cache/mixin/alerts.yml
	$< test rules deploy/mixin/example/example.test.yml

.PHONY: dashboards-check
dashboards-check: $(PROGRAM) $(PACKAGES) $(BIN)/prometheus $(BIN)/panelcheck ## every panel shows data of a live demo
	test/dashboards-check.sh $(BIN)/prometheus $(BIN)/panelcheck ./kie_exporter

.PHONY: e2e
e2e: $(PACKAGES) $(BIN)/prometheus $(BIN)/promtool $(BIN)/alertmanager ## the exporter in a real Prometheus and Alertmanager
	go -C $(E2E_MOD) test -count=1 -parallel 4 $(LEAN) ./...

.PHONY: deploy-check
deploy-check: $(PACKAGES) $(BIN)/promtool ## systemd units, Kubernetes manifests, examples for Prometheus
	go -C $(DEPLOY_MOD) test -count=1 $(LEAN) ./...

.PHONY: package-check
package-check: $(PACKAGES) ## deb and rpm, installed and run; versions of builds
	go -C $(RELEASE_MOD) test -count=1 $(LEAN) ./...

.PHONY: feeding-check
feeding-check: $(PACKAGES) $(BIN)/caddy ## run the snippets of docs/feeding.md: curl, Node, Python, Go, PostgreSQL, logrotate, nginx, Caddy
	go -C $(FEEDING_MOD) test -count=1 $(LEAN) ./...

.PHONY: redis-check
redis-check: $(PACKAGES) ## replicas over Redis: failovers of Sentinel and Redis Cluster, broken lines, the documented rights, faults, a soak
	go -C $(REDIS_MOD) test -count=1 -parallel 10 $(LEAN) ./...

.PHONY: packages
packages: ## Debian packages that tests use, if they are missing and may be installed
	test/packages.sh

.PHONY: image-lint
image-lint: $(BIN)/dockerlint ## BuildKit's checks of the Dockerfile
	$< Dockerfile

# Not in `make test`, they take longer

.PHONY: image
image: $(BIN)/promtool ## build the image with buildah and run it
	test/image.sh $(IMAGE):$(subst +,-,$(VERSION)) $<

CHART_DIR ?= .cache
.PHONY: chart
chart: ## package the Helm chart, the same bytes each time, into CHART_DIR; CHART_VERSION=VERSION: as of that release
	internal/tools/release/chart.sh $(CHART_DIR) $(CHART_VERSION)

.PHONY: image-digests
image-digests: ## add to each image named here the digest that its registry tells; needs the registries
	go -C $(TOOLS_MOD) run ./imagedigests $(CURDIR)/Dockerfile $(CURDIR)/deploy/compose/compose.yaml

.PHONY: pictures
pictures: build packages $(BIN)/prometheus ## take the pictures of the overview that README shows; takes a quarter of an hour
	test/pictures.sh $(BIN)/prometheus ./kie_exporter docs/pictures

.PHONY: screenshots
screenshots: packages ## take pictures of the pages into .cache/screenshots, and those that README shows
	mkdir -p .cache/screenshots
	SCREENSHOTS=$(CURDIR)/.cache/screenshots go test -count=1 -run TestEveryPageFits ./internal/web
	cp .cache/screenshots/readme-light.png docs/pictures/tasks-light.png
	cp .cache/screenshots/readme-dark.png docs/pictures/tasks-dark.png

# Who builds and from which branch is no part of a release, so that everybody can make the same one.
RELEASE_BUILD := BRANCH=HEAD BUILD_USER=release
GORELEASER    := PATH="$(BIN):$$PATH" GOMODCACHE=$$(go env GOMODCACHE) GOCACHE=$$(go env GOCACHE) $(BIN)/goreleaser release --clean --timeout 3h

# Empty, releases are made without an image.
BUILDAH ?= $(shell command -v buildah)

.PHONY: release-snapshot
release-snapshot: $(BIN)/goreleaser $(BIN)/cyclonedx-gomod ## make everything of a release into .cache/dist, and with buildah the image into .cache/image, signed and published by nobody
	$(MAKE) $(RELEASE_BUILD) RELEASE_FLAGS="--snapshot --skip=sign" release-make
	$(if $(BUILDAH),$(MAKE) $(RELEASE_BUILD) release-image-make,@echo "release: no image, as there is no buildah")

.PHONY: release
release: $(BIN)/goreleaser $(BIN)/cyclonedx-gomod ## make the release of the tag that is checked out, sign it, and upload it as a draft; the workflow calls this
	internal/tools/release/notes.sh $(VERSION) .cache/release-notes.md
	$(MAKE) $(RELEASE_BUILD) RELEASE_FLAGS="--release-notes=$(CURDIR)/.cache/release-notes.md" release-make

.PHONY: release-make
release-make: build
	internal/tools/release/files.sh ./kie_exporter .cache/release $(VERSION)
	$(MAKE) chart CHART_DIR=.cache/release CHART_VERSION=$(VERSION)
	LDFLAGS='$(LDFLAGS)' $(GORELEASER) $(RELEASE_FLAGS)
	cp .cache/release/kie-exporter-*.tgz .cache/dist

.PHONY: release-check
release-check: $(BIN)/goreleaser $(BIN)/cyclonedx-gomod ## make a release in two clones with separate caches, see that both are the same and complete
	internal/tools/release/check.sh

.PHONY: release-image
release-image: ## the image for all platforms, as a manifest of buildah and an OCI layout in .cache/image; PUSH=1: to the registry, too
	$(MAKE) $(RELEASE_BUILD) release-image-make

.PHONY: release-image-make
release-image-make:
	test/image-platforms.sh $(IMAGE):$(subst +,-,$(VERSION)) .cache/image

.PHONY: page-speed
page-speed: packages $(BIN)/prometheus $(BIN)/promtool $(BIN)/alertmanager ## how long a failure takes until somebody is told, with all as shipped; takes half an hour, writes a table of docs/performance.md
	PAGE_SPEED_REPORT=$(CURDIR)/docs/performance.md go -C $(E2E_MOD) test -v -count=1 -timeout 1h -run TestSpeedOfAPage .

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	test/fuzz.sh $(FUZZTIME)

.PHONY: soak
soak: soak-replicas ## run under faults, reloads and kills for SOAK, then replicas so long; writes the results into docs/reliability.md
	SOAK=$(SOAK) SOAK_SEED=$(SOAK_SEED) SOAK_REPORT=$(CURDIR)/docs/reliability.md go -C $(SERVED_MOD) test -count=1 -v -timeout 0 -run TestWhatIsSaid ./soak

.PHONY: soak-replicas
soak-replicas: ## run three replicas, and kill one every minute or two, over a Redis that fails for SOAK; writes the results into docs/reliability.md
	SOAK=$(SOAK) SOAK_SEED=$(SOAK_SEED) SOAK_REPORT=$(CURDIR)/docs/reliability.md go -C $(REDIS_MOD) test -count=1 -v -timeout 0 -run TestReplicasSoak ./faults

.PHONY: soak-attack
soak-attack: ## run with strangers at every door for SOAK; writes the results into docs/reliability.md
	SOAK=$(SOAK) SOAK_SEED=$(SOAK_SEED) SOAK_ATTACK_REPORT=$(CURDIR)/docs/reliability.md go -C $(SERVED_MOD) test -count=1 -v -timeout 0 -run TestHonestWork ./soak

.PHONY: simulate
simulate: ## compare ways to spend the budget, and have replicas die; writes tables and plots of docs/polling.md and docs/scaling.md
	go run ./internal/sim/polling/report
	go test -count=1 -timeout 30m -run Promises ./internal/sim/replicas -args -write=$(CURDIR)/docs/scaling.md

.PHONY: mutate
mutate: $(BIN)/mutaterules $(BIN)/promtool ## alter the rules in every way, see that their tests notice; ONLY="KieAlert ..." these
	$< $(BIN)/promtool alerts $(ONLY)

BENCHTIME ?= 5x

.PHONY: bench
bench: bench-exposition ## run the benchmarks
	go test -run '^$$' -bench . -benchmem -timeout 2h $$(go list ./... | grep -v /internal/exposition)

.PHONY: bench-exposition
bench-exposition: ## what a scrape costs, next to the usual ways; BENCHFLAGS=-million for 1,000,000 tasks, too
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 8h ./internal/exposition $(BENCHFLAGS)

# The tools, pinned by internal/tools/go.mod and built again when it changes; ours when their code does, too. Another tag, such as netgo, would
# have most packages compiled a second time.
$(BIN)/golangci-lint: PKG := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/govulncheck:   PKG := golang.org/x/vuln/cmd/govulncheck
$(BIN)/promtool:      PKG := -tags builtinassets,remove_all_sd github.com/prometheus/prometheus/cmd/promtool
$(BIN)/prometheus:    PKG := -tags remove_all_sd github.com/prometheus/prometheus/cmd/prometheus
$(BIN)/dockerlint:    PKG := ./dockerlint
$(BIN)/doclinks:      PKG := ./doclinks
$(BIN)/panelcheck:    PKG := ./panelcheck
$(BIN)/mutaterules:   PKG := ./mutaterules
$(BIN)/testlog:       PKG := ./testlog
$(addprefix $(BIN)/,dockerlint doclinks panelcheck mutaterules testlog): $(wildcard $(TOOLS_MOD)/*/*.go)
$(BIN)/%: $(TOOLS_MOD)/go.mod
	go -C $(TOOLS_MOD) build -ldflags=-s -o $@ $(PKG)
	@touch $@
$(BIN)/pint: $(TOOLS_MOD)/pint/go.mod
	go -C $(TOOLS_MOD)/pint build -ldflags=-s -o $@ github.com/cloudflare/pint/cmd/pint
	@touch $@
$(BIN)/goreleaser:     PKG := github.com/goreleaser/goreleaser/v2
$(BIN)/cyclonedx-gomod: PKG := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
# An SBOM has the checksum of what wrote it, so that is built the same everywhere, too.
$(BIN)/goreleaser $(BIN)/cyclonedx-gomod: $(RELEASE_MOD)/go.mod
	go -C $(RELEASE_MOD) build -trimpath -buildvcs=false -o $@ $(PKG)
	@touch $@
$(BIN)/caddy: $(FEEDING_MOD)/go.mod $(FEEDING_MOD)/caddy/main.go
	go -C $(FEEDING_MOD) build -tags caddy -ldflags=-s -o $@ ./caddy
	@touch $@
$(BIN)/alertmanager: $(E2E_MOD)/go.mod
	go -C $(E2E_MOD) build -ldflags=-s -o $@ github.com/prometheus/alertmanager/cmd/alertmanager
	@touch $@
