# `make run` and `make test` need Python 3.11 or later, a C compiler and make; the rest they install into .venv.
PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.ready-to-run
TEST_READY := .venv/.ready-to-test

# durable-rules is built here: it calls PyEval_CallObject, which Python 3.13 took away, and would build unoptimised
export CPPFLAGS := -DPyEval_CallObject=PyObject_CallObject -O2

.PHONY: run test lint types arrows rulesets unit lock campaign-agreement chaos power-cut schemas clean help

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/'

run: $(RUN_READY)  ## set up, start everything on this machine, post the samples, serve until Ctrl-C
	@$(BIN)/triage up

test: lint types arrows rulesets unit  ## all that CI runs

lint: $(TEST_READY)  ## style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(TEST_READY)  ## strict types in core and shells
	$(BIN)/mypy

arrows: $(TEST_READY)  ## imports point one way
	$(BIN)/lint-imports

rulesets: $(TEST_READY)  ## every ruleset here is checked, and its cases pass
	@for ruleset in rulesets/*/; do $(BIN)/triage check $$ruleset && $(BIN)/triage test $$ruleset || exit 1; done

unit: $(TEST_READY) chromium  ## the tests; real processes, an embedded Redis, a real browser
	$(BIN)/python -m pytest

campaign-agreement: $(TEST_READY)  ## engine against reference evaluator, 100,000 made pairs
	$(BIN)/python tests/campaigns/agreement.py 100000

schemas: $(RUN_READY)  ## write the JSON Schema of ruleset files anew
	$(BIN)/python -m triage_rules.reading.schema > docs/schemas/ruleset.schema.json

chaos: $(TEST_READY)  ## faults against real processes: 50 seeded schedules of 2,000 reports, ten minutes or more
	$(BIN)/python -m tests.campaigns.chaos --schedules 50 --reports 2000 --at-once 2

power-cut: $(TEST_READY)  ## what a power cut loses under each fsync policy: 20 cuts of each
	$(BIN)/python -m tests.campaigns.power_cut 20

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	     && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium >/dev/null; } \
	|| echo "no Chromium here, and no right to install it: the page tests will fail" >&2

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

$(RUN_READY): .venv/bin/python requirements.lock pyproject.toml CHANGELOG.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(TEST_READY): $(RUN_READY) requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

lock: $(TEST_READY)  ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--extra service --extra local --output-file requirements.lock --upgrade pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--all-extras --constraint requirements.lock --output-file requirements-dev.lock --upgrade pyproject.toml

clean:  ## remove what was set up, but not ./var
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
