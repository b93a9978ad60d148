# Abide in two commands: `make run` and `make test`. Everything else is here too.
PORT ?= 8000
DATA_DIR ?= var
PART ?= all
PYTHON ?= $(shell command -v python3.11 || command -v python3)

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Warnings of installers that nobody can act on; shown when the setup fails.
SETUP_LOG := $(VENV)/setup.log
AXE := .cache/axe.min.js

.DEFAULT_GOAL := help
.PHONY: help run demo test check conformance reference bench proof screenshots lock tools clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: $(READY) ## set up all there is and start Abide with its demo company (PORT=8000 DATA_DIR=var)
	@ABIDE_DEMO=1 ABIDE_PORT=$(PORT) ABIDE_DATA_DIR=$(DATA_DIR) $(BIN)/abide up --demo

test: $(READY) tools ## set up and run all tests: SQLite, PostgreSQL, a real browser
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: $(READY) ## lint, types, import contracts, docs, schema, packaging; runs no tests
	@sh .ci/check

conformance: $(READY) ## put the official cases of GrowthBook's SDKs to our evaluator
	@$(BIN)/python -m tests.conformance

reference: $(READY) ## put every reference number beside ours
	@$(BIN)/python -m tests.reference

bench: $(READY) ## measure every speed claim, each beside its limit
	@$(BIN)/python -m benchmarks

proof: $(READY) tools ## the long runs (PART=all|stats|faults|clients|conditions|canary|assignment)
	@ABIDE_PROOF=1 $(BIN)/python -m proof $(PART)

screenshots: $(READY) tools ## take README's pictures of the demo in DATA_DIR
	@ABIDE_DATA_DIR=$(DATA_DIR) $(BIN)/python -m tests.journeys.pictures

lock: $(READY) ## resolve the dependencies anew, with hashes
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) requirements.in requirements-dev.in -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) requirements-installer.in -o requirements-installer.lock

clean: ## remove the environment and caches; data stays
	rm -rf $(VENV) .cache tests/tools/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info

# The environment. uv takes 5 s where pip takes 90; where uv cannot be had, or does not
# know the machine's package index, pip does the same from the same hashes.
$(READY): requirements.lock requirements-installer.lock setup.cfg pyproject.toml
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Abide needs Python 3.11 or newer; found: $$($(PYTHON) --version 2>&1 || echo none). Install it, or run: make run PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "The environment could not be made. On Debian: apt-get install python3-venv. Is the disk full?"; df -h . ; exit 1; }
	@{ { $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-installer.lock \
		&& $(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock; } \
		|| $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; \
	} >$(SETUP_LOG) 2>&1 \
		&& $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . >>$(SETUP_LOG) 2>&1 \
		|| { cat $(SETUP_LOG); echo "The environment could not be set up; $(SETUP_LOG) has the lines above."; exit 1; }
	@touch $@

# What tests need beyond a fresh machine. Where a tool cannot be installed, the tests that
# need it say so and are skipped; in CI they fail instead (CI=true).
tools: $(AXE)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || sh .ci/install chromium fonts-liberation

$(AXE): tests/tools/package-lock.json
	@command -v npm >/dev/null || sh .ci/install npm
	@mkdir -p .cache
	@if command -v npm >/dev/null; then npm ci --loglevel=error --no-audit --no-fund --prefix tests/tools && cp tests/tools/node_modules/axe-core/axe.min.js $@; fi
