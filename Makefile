# `make run` and `make test` need Python 3.11 or later, a C compiler and make; they install everything else into .venv.
PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test
BENCH := benchmarks/.venv/bin
BENCH_READY := benchmarks/.venv/.ready

# durable-rules is built here: it calls PyEval_CallObject, which Python 3.13 removed, and by default builds unoptimised
export CPPFLAGS := -DPyEval_CallObject=PyObject_CallObject -O2

# the tests start many processes: each would compile all modules again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-quick lint types arrows rulesets unit campaign lock mutate screenshots campaign-agreement campaign-analysis campaign-interview campaign-install chaos overload power-cut fuzz schemas comparison red-flags hazards interview-plot editor bench bench-short bench-test release hooks audit sbom clean help

help:            ## show this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/'

run: $(RUN_READY)  ## set up, start everything on this machine, post the samples, serve until Ctrl-C
	@$(BIN)/triage up

test: $(TEST_READY)  ## run what CI runs: style, types, imports, and the tests with a fixed share of their examples; under five minutes
	@$(MAKE) --no-print-directory --jobs 4 lint types arrows unit

test-quick: $(TEST_READY)  ## run style, types, imports, unit and engine tests, for daily work; under a minute
	@$(MAKE) --no-print-directory --jobs 4 lint types arrows unit-quick

lint: $(TEST_READY)  ## check style and format
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TEST_READY)  ## check types, strictly
	$(BIN)/mypy

arrows: $(TEST_READY)  ## check that imports point down
	$(BIN)/lint-imports

rulesets: $(TEST_READY)  ## check every ruleset here, run its cases, prove its properties and run a sample of its mutants
	$(PYTEST) tests/rulesets

MUTATE := $(BIN)/triage mutate --require 95 --require-urgent 100
mutate: $(TEST_READY)  ## run all mutants of every ruleset here, and list those that no case notices; about two minutes
	@for ruleset in $(dir $(wildcard rulesets/*/ruleset.yaml rulesets/comparison/*/ruleset.yaml)); do echo $$ruleset && $(MUTATE) $$ruleset || exit 1; done

# tests/support/scheduling.py groups tests that share a slow set-up; a group runs in one process, the longest group first
PYTEST := $(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder
unit: $(TEST_READY) chromium redis-server  ## run only the tests, with real processes, an embedded Redis and a real browser
	$(PYTEST)

.PHONY: unit-quick
unit-quick: $(TEST_READY)
	$(PYTEST) tests/unit tests/engine

campaign: $(TEST_READY) chromium redis-server  ## run the full tests and every campaign below; takes a night
	$(PYTEST) --campaign
	@$(MAKE) --no-print-directory mutate campaign-agreement campaign-analysis campaign-interview chaos overload power-cut fuzz bench-test

campaign-agreement: $(TEST_READY)  ## compare the engine with the reference evaluator on 100,000 generated pairs of ruleset and report
	$(BIN)/python tests/campaigns/agreement.py 100000

campaign-analysis: $(TEST_READY)  ## compare the solver's formulas with the evaluators and with brute force, on 1,000 generated rulesets each
	$(BIN)/python tests/campaigns/analysis.py 1000
	$(BIN)/python tests/campaigns/differences.py 1000

campaign-interview: $(TEST_READY)  ## search 20,000 random partial reports and the interviews of 500 people for exceptions to the laws of interviews
	$(BIN)/python tests/campaigns/interviews.py 20000 500

campaign-install: $(TEST_READY)  ## install the wheel in new environments: for consumers without a compiler, and for authors
	$(BIN)/python tests/campaigns/install.py

fuzz: $(TEST_READY)  ## send hostile and mutated input to every reader and to HTTP; MINUTES=10
	$(BIN)/python -m tests.campaigns.fuzzing $(or $(MINUTES),10)

schemas: $(RUN_READY)  ## regenerate the JSON Schemas of ruleset, properties, personas and vignette files
	$(BIN)/python -m triage_rules.language.reading.schema > triage_rules/schemas/ruleset.schema.json
	$(BIN)/python -m triage_rules.assurance.properties.schema > triage_rules/schemas/properties.schema.json
	$(BIN)/python -m triage_rules.interview.personas_schema > triage_rules/schemas/personas.schema.json
	$(BIN)/python -m triage_rules.interview.vignettes_schema > triage_rules/schemas/vignettes.schema.json

comparison: $(RUN_READY)  ## regenerate the table of docs/explanation/comparison.md
	$(BIN)/triage compare rulesets/red-dots $(dir $(wildcard rulesets/comparison/*/ruleset.yaml)) --into docs/explanation/comparison.md

RED_FLAGS := docs/safety/red-flags.md
red-flags: $(RUN_READY)  ## regenerate the table of red flags of docs/safety; about a minute
	@mkdir -p $(dir $(RED_FLAGS)) var
	$(BIN)/triage red-flags rulesets/red-dots --pairs --split blanches_on_pressure=blanches,does_not_blanch --format markdown > var/red-flags.md
	mv var/red-flags.md $(RED_FLAGS)

INTERVIEW_PLOT := docs/explanation/plots/interview.svg
HAZARDS := docs/safety/hazards
hazards: $(RUN_READY)  ## rewrite docs/safety/hazards.md from hazards.yaml
	$(BIN)/python tools/hazard_log.py $(HAZARDS).yaml > $(HAZARDS).md.new
	@mv $(HAZARDS).md.new $(HAZARDS).md

interview-plot: $(RUN_READY)  ## redraw the screens by persona of docs/explanation/interview.md
	@mkdir -p var
	$(BIN)/triage interview rulesets/red-dots --format json > var/interviews.json || [ $$? -eq 1 ]
	$(BIN)/python tools/interview_plot.py < var/interviews.json > $(INTERVIEW_PLOT)

.PHONY: vignettes-page
vignettes-page: $(RUN_READY)  ## run the vignettes of red-dots, and write docs/safety/vignettes.md
	@mkdir -p var docs/safety
	$(BIN)/triage vignettes rulesets/red-dots --forms-only --format json > var/vignettes.json || [ $$? -eq 1 ]
	$(BIN)/python -m tools.vignettes_page $(sort $(wildcard rulesets/red-dots/vignettes-held-out-result-*.json)) < var/vignettes.json > docs/safety/vignettes.md

editor:  ## rebuild the workbench's editor from tools/codemirror (needs Node 20 and npm); review the diff before you commit
	cd tools/codemirror && npm ci --no-audit --no-fund && npm run build

screenshots: $(TEST_READY) chromium  ## retake the screenshots in docs/screenshots
	$(BIN)/python -m tests.pages.screenshots

chaos: $(TEST_READY)  ## inject faults into real processes: 50 seeded schedules of 2,000 reports; half an hour
	$(BIN)/python -m tests.campaigns.chaos --schedules 50 --reports 2000 --at-once 2

overload: $(TEST_READY)  ## post more reports than the workers can process, and measure waits and memory; about six minutes
	$(BIN)/python -m tests.campaigns.overload

power-cut: $(TEST_READY)  ## measure what a power cut loses under each fsync policy, with 20 cuts each
	$(BIN)/python -m tests.campaigns.power_cut 20

PEERS := benchmarks/peers
$(PEERS)/node_modules: $(PEERS)/package-lock.json
	@command -v npm >/dev/null && npm ci --silent --no-audit --no-fund --prefix $(PEERS) && touch $@ \
	|| echo "npm or its packages are not available: json-rules-engine is left out" >&2

bench: $(BENCH_READY) $(PEERS)/node_modules  ## measure the speed against the usual alternatives, and rewrite the figures of docs/reference/performance.md; under 15 minutes
	$(BENCH)/python -m benchmarks --into docs/reference/performance.md

bench-short: $(BENCH_READY) $(PEERS)/node_modules  ## run short benchmarks in a minute or two; too few runs to rely on
	$(BENCH)/python -m benchmarks --size short

bench-test: $(BENCH_READY) $(PEERS)/node_modules  ## test the benchmarks: the engines agree, a wrong engine is caught, each measurement has its rows
	$(BENCH)/python -m pytest -c benchmarks/pyproject.toml benchmarks/tests

.PHONY: chromium
chromium:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium-headless-shell >/dev/null; } \
	|| echo "Chromium is missing, and this user may not install it: the page tests will fail" >&2

.PHONY: redis-server
redis-server: # Redis itself: the embedded server has no TLS
	@command -v redis-server >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server >/dev/null; } \
	|| echo "redis-server is missing, and this user may not install it: the tests of ACL and TLS will fail" >&2

audit: $(TEST_READY)  ## look up known vulnerabilities of the pinned dependencies; fails also if a lookup fails
	@for lock in requirements.lock requirements-build.lock requirements-dev.lock benchmarks/requirements.lock; do \
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement $$lock || exit 1; done

SBOM := dist/sbom.cdx.json
sbom: $(TEST_READY)  ## write a bill of materials (CycloneDX) to dist/
	@mkdir -p $(dir $(SBOM))
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file $(SBOM) requirements.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# Build tools come first, with their hashes. Builds run without isolation: an isolated build would fetch unchecked tools.
# uv installs in seconds, pip takes a minute; pip takes over where uv fails, for instance with an index that only pip's
# configuration names.
PIP := -m pip install --quiet --disable-pip-version-check
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-build-isolation $(1) \
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
lock: $(TEST_READY)  ## resolve the dependencies of service, builds, development and benchmarks again
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

clean:  ## remove environments and caches; keeps ./var
	rm -rf .venv benchmarks/.venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
