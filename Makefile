# `make help` lists the targets; `make test` is what CI runs.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

FUZZTIME ?= 30s
IMAGE    ?= localhost/kie_exporter
VULNDB   ?= https://vuln.go.dev

# What --version and the image's labels say; the date is the commit's, so that a build can be repeated.
VERSION    := $(or $(VERSION),$(shell git describe --tags --always --dirty 2>/dev/null | sed 's/^v//' || echo unknown))
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: fmt-check vet lint mod-check vuln docs-check image-lint scrape-check race ## every check; what CI runs

.PHONY: build
build: ## compile ./kie_exporter
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o kie_exporter .

.PHONY: generate
generate: ## write the generated documents
	go generate ./...

.PHONY: clean
clean: ## remove what the targets made
	rm -rf .cache kie_exporter

# Checks, each a part of `make test`

TOOLS_MOD := internal/tools
BIN       := $(CURDIR)/.cache/bin

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code
	$< fmt

.PHONY: fmt-check
fmt-check: $(BIN)/golangci-lint
	$< fmt --diff

.PHONY: vet
vet:
	go vet ./...
	go -C $(TOOLS_MOD) vet ./...

.PHONY: lint
lint: $(BIN)/golangci-lint ## golangci-lint
	$< run
	cd $(TOOLS_MOD) && $< run

.PHONY: mod-check
mod-check:
	go mod tidy -diff
	go mod verify
	go -C $(TOOLS_MOD) mod tidy -diff

.PHONY: vuln
vuln: $(BIN)/govulncheck ## known vulnerabilities, where their database is reachable
	@if curl -fs -m 10 -o /dev/null $(VULNDB)/index/db.json; then $< -db $(VULNDB) ./...; \
	else echo "govulncheck: skipped, $(VULNDB) is not reachable"; fi

.PHONY: docs-check
docs-check: $(BIN)/doclinks ## generated documents are current, no link is broken
	test/generate-check.sh
	$<

.PHONY: race
race: ## all tests under the race detector, fuzz seeds included
	go -C $(TOOLS_MOD) test -shuffle=on ./...
	go test -race -shuffle=on ./...

.PHONY: scrape-check
scrape-check: build $(BIN)/promtool ## run the demo, scrape it, have promtool judge it
	test/scrape-check.sh $(BIN)/promtool ./kie_exporter

.PHONY: image-lint
image-lint: $(BIN)/dockerlint ## BuildKit's checks of the Dockerfile
	$< Dockerfile

# Not in `make test`, they take longer

.PHONY: image
image: $(BIN)/promtool ## build the image with buildah and run it
	test/image.sh $(IMAGE):$(VERSION) $<

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	test/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem -timeout 2h ./...

# The tools, pinned by internal/tools/go.mod and built again when it changes
$(BIN)/golangci-lint: PKG := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/govulncheck:   PKG := golang.org/x/vuln/cmd/govulncheck
$(BIN)/promtool:      PKG := -tags netgo,builtinassets,remove_all_sd github.com/prometheus/prometheus/cmd/promtool
$(BIN)/dockerlint:    PKG := ./dockerlint
$(BIN)/doclinks:      PKG := ./doclinks
$(BIN)/%: $(TOOLS_MOD)/go.mod $(wildcard $(TOOLS_MOD)/*/*.go)
	go -C $(TOOLS_MOD) build -o $@ $(PKG)
	@touch $@
