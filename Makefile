# `make run` and `make test` need Python 3.11 or later, a C compiler and make; the rest they install into .venv.
PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test
BENCH := benchmarks/.venv/bin
BENCH_READY := benchmarks/.venv/.ready

# durable-rules is built here: it calls PyEval_CallObject, which Python 3.13 took away, and would build unoptimised
export CPPFLAGS := -DPyEval_CallObject=PyObject_CallObject -O2

.PHONY: run test test-quick lint types arrows rulesets unit campaign lock mutate screenshots campaign-agreement campaign-analysis campaign-install chaos overload power-cut fuzz schemas comparison editor bench bench-short bench-test release hooks audit sbom clean help

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/'

run: $(RUN_READY)  ## set up, start everything on this machine, post the samples, serve until Ctrl-C
	@$(BIN)/triage up

test: $(TEST_READY)  ## all that CI runs: style, types, imports, and the tests with a fixed share of their examples; under five minutes
	@$(MAKE) --no-print-directory --jobs 4 lint types arrows unit

test-quick: $(TEST_READY)  ## for the day's work: style, types, imports, unit and engine tests; under a minute
	@$(MAKE) --no-print-directory --jobs 4 lint types arrows unit-quick

lint: $(TEST_READY)  ## style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TEST_READY)  ## strict types in core and shells
	$(BIN)/mypy

arrows: $(TEST_READY)  ## imports point one way
	$(BIN)/lint-imports

rulesets: $(TEST_READY)  ## every ruleset here is checked, its cases pass, its properties are proved, and its mutants noticed
	$(PYTEST) tests/rulesets

MUTATE := $(BIN)/triage mutate --require 95 --require-urgent 100
mutate: $(TEST_READY)  ## every mutant of every ruleset here: which changes no case would notice; about two minutes
	@for ruleset in $(dir $(wildcard rulesets/*/ruleset.yaml rulesets/comparison/*/ruleset.yaml)); do echo $$ruleset && $(MUTATE) $$ruleset || exit 1; done

# tests/support/scheduling.py keeps tests that share something slow in one process, and lets the longest begin
PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
unit: $(TEST_READY) chromium redis-server  ## the tests alone; real processes, an embedded Redis, a real browser
	$(PYTEST)

.PHONY: unit-quick
unit-quick: $(TEST_READY)
	$(PYTEST) tests/unit tests/engine

campaign: $(TEST_READY) chromium redis-server  ## everything, whole: all examples of the tests, and every campaign below; a night
	$(PYTEST) --campaign
	@$(MAKE) --no-print-directory mutate campaign-agreement campaign-analysis chaos overload power-cut fuzz bench-test

campaign-agreement: $(TEST_READY)  ## engine against reference evaluator, 100,000 made pairs
	$(BIN)/python tests/campaigns/agreement.py 100000

campaign-analysis: $(TEST_READY)  ## the solver's formulas against evaluators and brute force, 1,000 made rulesets of each
	$(BIN)/python tests/campaigns/analysis.py 1000
	$(BIN)/python tests/campaigns/differences.py 1000

campaign-install: $(TEST_READY)  ## install the wheel as consumers and authors do: without a compiler, away from here
	$(BIN)/python tests/campaigns/install.py

fuzz: $(TEST_READY)  ## hostile and mutated input to every reader and to HTTP; MINUTES=10
	$(BIN)/python -m tests.campaigns.fuzzing $(or $(MINUTES),10)

schemas: $(RUN_READY)  ## write the JSON Schemas of ruleset and properties files anew
	$(BIN)/python -m triage_rules.language.reading.schema > triage_rules/schemas/ruleset.schema.json
	$(BIN)/python -m triage_rules.assurance.properties.schema > triage_rules/schemas/properties.schema.json

comparison: $(RUN_READY)  ## write the table of docs/explanation/comparison.md anew
	$(BIN)/triage compare rulesets/red-dots $(dir $(wildcard rulesets/comparison/*/ruleset.yaml)) --into docs/explanation/comparison.md

editor:  ## make the workbench's editor anew from tools/codemirror (needs Node 20 and npm); look at the difference before you commit
	cd tools/codemirror && npm ci --no-audit --no-fund && npm run build

screenshots: $(TEST_READY) chromium  ## take the pictures of the pages in docs/screenshots anew
	$(BIN)/python -m tests.pages.screenshots

chaos: $(TEST_READY)  ## faults against real processes: 50 seeded schedules of 2,000 reports, half an hour
	$(BIN)/python -m tests.campaigns.chaos --schedules 50 --reports 2000 --at-once 2

overload: $(TEST_READY)  ## more reports than workers can do, 10,000 queued: how long urgent ones wait, memory; about six minutes
	$(BIN)/python -m tests.campaigns.overload

power-cut: $(TEST_READY)  ## what a power cut loses under each fsync policy: 20 cuts of each
	$(BIN)/python -m tests.campaigns.power_cut 20

PEERS := benchmarks/peers
$(PEERS)/node_modules: $(PEERS)/package-lock.json
	@command -v npm >/dev/null && npm ci --silent --no-audit --no-fund --prefix $(PEERS) && touch $@ \
	|| echo "no npm here, or no packages for it: json-rules-engine is left out" >&2

bench: $(BENCH_READY) $(PEERS)/node_modules  ## how fast, against what a user would pick instead; the figures of docs/reference/performance.md; under 15 minutes
	$(BENCH)/python -m benchmarks --into docs/reference/performance.md

bench-short: $(BENCH_READY) $(PEERS)/node_modules  ## the same in a minute, too little of each to rely on
	$(BENCH)/python -m benchmarks --size short

bench-test: $(BENCH_READY) $(PEERS)/node_modules  ## the tests of the benchmarks: engines agree, a wrong one is caught, each measurement has its rows
	$(BENCH)/python -m pytest -c benchmarks/pyproject.toml benchmarks/tests

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium >/dev/null; } \
	|| echo "no Chromium here, and no right to install it: the page tests will fail" >&2

.PHONY: redis-server
redis-server: # Redis itself: the embedded server has no TLS
	@command -v redis-server >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server >/dev/null; } \
	|| echo "no redis-server here, and no right to install it: the tests of ACL and TLS will fail" >&2

audit: $(TEST_READY)  ## ask which pinned dependencies have known faults; one that can't be asked about fails, too
	@for lock in requirements.lock requirements-build.lock requirements-dev.lock benchmarks/requirements.lock; do \
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit 1; done

SBOM := dist/sbom.cdx.json
sbom: $(TEST_READY)  ## write what the service is made of, as CycloneDX, to dist/
	@mkdir -p $(dir $(SBOM))
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file $(SBOM) requirements.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# Build tools come first, with their hashes, and build without isolation: a build of its own would fetch others unchecked.
# One of them is uv, which installs in seconds what takes pip a minute; pip does it where uv can't, such as from an index
# that only pip's configuration names.
PIP := -m pip install --quiet --disable-pip-version-check
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation $(1) \
	|| $(BIN)/python $(PIP) --no-build-isolation $(1)
$(RUN_READY): .venv/bin/python requirements-build.lock requirements.lock pyproject.toml CHANGELOG.md
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The Python of .venv is too old, 3.11 or later is needed; try make clean, then make PYTHON=python3.12")'
	$(BIN)/python $(PIP) --require-hashes -r requirements-build.lock
	$(call INSTALL,--require-hashes -r requirements.lock)
	$(call INSTALL,--no-deps --editable .)
	@touch $@

$(TEST_READY): $(RUN_READY) requirements-dev.lock
	$(call INSTALL,--require-hashes -r requirements-dev.lock)
	@touch $@

benchmarks/.venv/bin/python: .venv/bin/python
	$(BIN)/python -m venv benchmarks/.venv

$(BENCH_READY): benchmarks/.venv/bin/python benchmarks/requirements.lock requirements-build.lock pyproject.toml CHANGELOG.md
	$(BENCH)/python $(PIP) --require-hashes -r requirements-build.lock
	$(BENCH)/python $(PIP) --require-hashes --no-build-isolation -r benchmarks/requirements.lock
	$(BENCH)/python $(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

# Versions in the lock files stay unless pyproject.toml rules them out; `make lock UPGRADE=--upgrade` takes the newest.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 $(UPGRADE)
lock: $(TEST_READY)  ## resolve the dependencies again, of the service, of builds, of development and of the benchmarks
	$(COMPILE) --extra service --extra local --output-file requirements.lock pyproject.toml
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(COMPILE) --extra service --extra local --group dev --constraint requirements.lock --constraint requirements-build.lock \
		--output-file requirements-dev.lock pyproject.toml
	$(COMPILE) --group benchmarks/pyproject.toml:test --constraint requirements-dev.lock --no-emit-package triage-rules \
		--output-file benchmarks/requirements.lock benchmarks/pyproject.toml

release: $(TEST_READY)  ## date the changelog, run the tests, build, commit and tag; VERSION=1.2.0
	@$(BIN)/python tools/release.py $(VERSION)

hooks: $(TEST_READY)  ## check style and types before each commit
	$(BIN)/pre-commit install

clean:  ## remove what was set up, but not ./var
	rm -rf .venv benchmarks/.venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
