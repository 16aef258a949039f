# `make` alone lists the commands. Each installs what it lacks first, where apt-get is there to do so.

SWIFT ?= swift
PORT ?= 3000
STORE ?= sqlite:Examples/Playground/data/playground.db

playground := Examples/Playground
build_playground := $(SWIFT) build --package-path $(playground)
run_benchmarks := $(SWIFT) run -c release --package-path Benchmarks

# The C libraries behind the drivers.
libraries := $(if $(wildcard Sources/Drivers/SQLite),libsqlite3-dev) \
	$(if $(wildcard Sources/Drivers/LMDB),liblmdb-dev) \
	$(if $(wildcard Sources/Drivers/Redis),libhiredis-dev)
tls_libraries := $(if $(wildcard Sources/Drivers/Redis),libssl-dev openssl)
servers := $(if $(wildcard Sources/Drivers/Redis),redis-server)

# What has documentation, and what is formatted.
modules := KVStorage KVStorageTesting \
	$(if $(wildcard Sources/Drivers/Files),KVStorageFiles) \
	$(if $(wildcard Sources/Drivers/LMDB),KVStorageLMDB) \
	$(if $(wildcard Sources/Drivers/Redis),KVStorageRedis) \
	$(if $(wildcard Sources/Drivers/SQLite),KVStorageSQLite) \
	$(if $(wildcard Sources/Sessions),Sessions) \
	$(if $(wildcard Sources/Hummingbird),KVStorageHummingbird)
sources := Package.swift Sources Tests $(wildcard Benchmarks Examples)

.PHONY: help run build test test-release test-package test-traits test-linkage test-browser bench bench-detail
.PHONY: fuzz lint format docs clean ensure-libraries ensure-servers

help: ## Lists these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 16

run: ensure-libraries ## Builds and starts the playground (PORT=3000, STORE=sqlite:x.db, files:x, lmdb:x, redis://… or memory)
	$(build_playground) --product Playground
	@PORT=$(PORT) STORE=$(STORE) exec "$$($(build_playground) --show-bin-path)/Playground"

build: ensure-libraries ## Builds the package with its tests
	$(SWIFT) build --build-tests

test: test-package test-traits test-linkage test-browser ## Runs every test

# Part by part: all at once they have one another wait for longer than some of them can.
parts := 'KVStorageTests\.' 'DriverTests\.(Files|PathMapping)' 'DriverTests\.LMDB' 'DriverTests\.Redis'
test-package: build ensure-servers
	@set -e; for part in $(parts); do $(SWIFT) test --skip-build --filter "$$part"; done
	@$(SWIFT) test --skip-build $(foreach part,$(parts),--skip $(part))

# Release builds are what users run. Everything is optimised but the tests themselves (see Package.swift). The drivers that
# are wrong on purpose try the suite, not the library: once is enough.
release := -c release -Xswiftc -enable-testing --scratch-path .build-release
release_parts := 'KVStorageTests\.' 'DriverTests\.(Files|PathMapping)' 'DriverTests\.LMDB' 'DriverTests\.SQLite' \
	'DriverTests\.Redis' 'DriverTests\.(Process|FullDisk|Engine|Committing|Transfer)' 'SessionsTests\.'
test-release: ensure-libraries ensure-servers ## Runs the tests of storage, drivers and sessions in a release build
	$(SWIFT) build --build-tests $(release)
	@set -e; for part in $(release_parts); do \
		$(SWIFT) test $(release) --skip-build --filter "$$part" --skip 'WrongDriverTests\.'; done

# What stands behind traits that are off, built apart so that the other builds stay without it.
test-traits: ensure-libraries ensure-servers
	@.ci/ensure-packages $(tls_libraries)
	$(SWIFT) test --traits HummingbirdSupport,RedisTLSSupport --scratch-path .build-traits \
		--filter 'HummingbirdTests|RedisTLS'

# KVStorage alone: no package cloned, no library linked.
test-linkage:
	@.ci/ensure-packages binutils
	Tests/LinkageTest/check

# The playground in a real browser.
test-browser: ensure-libraries
	@.ci/ensure-packages chromium chromium-driver
	$(SWIFT) test --package-path $(playground)

bench: ensure-libraries ensure-servers ## Measures against C and plain Swift (FILTER=sqlite runs a part)
	$(run_benchmarks) RatioBenchmarks $(if $(FILTER),--filter "$(FILTER)")

bench-detail: ensure-libraries ## Measures each call by itself, with percentiles
	$(SWIFT) package --package-path Benchmarks --disable-sandbox benchmark $(if $(FILTER),--filter ".*$(FILTER).*")

fuzz: ensure-libraries ## Puts 10 million random inputs in (FUZZ_COUNT=1000, FUZZ_SEED=1, FUZZ_TARGET=cookies)
	$(SWIFT) build -c release --product Fuzzer
	@FUZZ_COUNT=$(FUZZ_COUNT) FUZZ_SEED=$(FUZZ_SEED) FUZZ_TARGET=$(FUZZ_TARGET) \
		"$$($(SWIFT) build -c release --product Fuzzer --show-bin-path)/Fuzzer"

docs: ensure-libraries ## Builds the documentation into .build-docs/html
	.ci/build-docs $(modules)

lint: ## Checks the formatting
	$(SWIFT) format lint --strict --parallel --recursive $(sources)

format: ## Formats the sources
	$(SWIFT) format --in-place --parallel --recursive $(sources)

clean: ## Removes what was built
	rm -rf .build .build-* $(playground)/.build Benchmarks/.build

ensure-libraries:
	@.ci/ensure-packages $(libraries)

ensure-servers:
	@.ci/ensure-packages $(servers)
