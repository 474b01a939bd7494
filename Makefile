# Each target sets up what it needs; nothing has to be installed, exported or started first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help setup demo test test-pythons unit coverage check dev bench bench-scale mutants chaos security sbom audit clients docs pages screenshots clean

VENV := .venv
# The first that is here and new enough sets up the environment.
INTERPRETERS := python3 python3.13 python3.12 python3.11
PYTHON := $(VENV)/bin/python
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
CLIENTS := tests/clients/node_modules/.ready
AIRBYTE := tests/clients/.venv/.ready
SERVERS := tests/clients/.servers
# Where the promises of docs/security.md are attacked.
ATTACKS := tests/app/server/test_guard.py tests/test_proxies.py tests/publication/test_reading.py tests/publication/test_delivery.py \
  tests/connectors/salesforce/test_login_answers.py tests/connectors/delivery tests/assets/test_privacy.py tests/security tests/test_deploy.py
# Pango draws text, harfbuzz-subset makes small fonts; no Linux wheel carries them.
LIBRARIES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0
# Pages of the UI are tested in it, and it is a peer of the press. Where apt has none (Ubuntu), name a Chromium in $CHROMIUM, or both are left out.
CHROME := chromium-headless-shell
GET_CHROME = command -v $(CHROME) >/dev/null || [ -n "$${CHROMIUM:-}" ] || { $(ROOT) apt-get update -qq; DEBIAN_FRONTEND=noninteractive $(ROOT) apt-get install -y -qq --no-install-recommends $(CHROME) >/dev/null 2>&1; } || true
# The proxies of deploy/ are tried with attacks: unpacked beside the tests and never installed, since that would start them.
PROXIES := tests/clients/.proxies
GET_PROXIES = mkdir -p $(PROXIES) && cd $(PROXIES) && { apt-get download -qq nginx caddy >/dev/null 2>&1 || { $(ROOT) apt-get update -qq; apt-get download -qq nginx caddy >/dev/null 2>&1; } || apt-get download -qq nginx >/dev/null 2>&1 || true; for each in *.deb; do [ ! -e "$$each" ] || dpkg-deb -x "$$each" . ; done; rm -f *.deb; }
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(RUNS) ## System packages, a virtual environment from the lock file, and the onpace command

$(RUNS): requirements.lock pyproject.toml
	@missing=""; for each in $(LIBRARIES) python3-venv; do dpkg -s $$each >/dev/null 2>&1 || missing="$$missing $$each"; done; \
	python3 -c 'import ensurepip, venv' 2>/dev/null && missing="$${missing// python3-venv/}"; \
	command -v python3 >/dev/null || missing="$$missing python3 python3-venv"; \
	if [ -n "$$missing" ]; then \
	  echo "Installing system packages:$$missing"; \
	  $(ROOT) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(ROOT) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@for each in $(INTERPRETERS); do \
	  if command -v $$each >/dev/null && $$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$each; break; fi; \
	done; \
	[ -n "$${found:-}" ] || { echo "Python 3.11 or newer is needed, and apt has none here; install it and run again" >&2; exit 1; }; \
	echo "Setting up $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV)
	@echo "Installing $$(grep -c == requirements.lock) packages into $(VENV) (a minute or two)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What tests and checks need beside it.
$(READY): requirements-dev.lock $(RUNS)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-dev.lock
	@touch $@

demo: $(RUNS) ## The month end of the demo company: prints the paths of its PDFs
	@$(VENV)/bin/onpace demo

dev: $(RUNS) ## The Dagster UI on the same data
	@$(VENV)/bin/onpace ui

check: $(READY) ## Lint, types, import rules, definitions: quick
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/basedpyright
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/dagster definitions validate -w workspace.yaml 2>&1 | tail -1

# Tests of a class share what takes long, so a module stays on one worker; the slowest modules come first.
WORKERS := -n 2 --dist loadscope --no-loadscope-reorder
SLOW_FIRST := tests/end_to_end tests/assets tests/orchestration tests/app tests/connectors tests/embedded_org tests/publication tests/reports tests/sales tests/test_docs.py tests/test_deploy.py tests/test_wheel.py

test: check $(CLIENTS) $(AIRBYTE) $(SERVERS) ## Everything: the checks and the whole suite
	@$(PYTHON) -m pytest $(WORKERS) $(SLOW_FIRST)

PYTHONS := python3.11 python3.12 python3.13
test-pythons: ## The whole suite on every supported Python that is here: PYTHONS="python3.12 /opt/python3.13/bin/python3"
	@for each in $(PYTHONS); do \
	  command -v $$each >/dev/null || { echo "$$each is not here: not tried"; continue; }; \
	  version=$$($$each -c 'import sys; print("%d.%d" % sys.version_info[:2])'); echo "Python $$version"; \
	  $(MAKE) --no-print-directory VENV=.venv-$$version INTERPRETERS=$$each test; \
	done

unit: $(READY) ## The tests that need no server, no process and no printed page, with few examples a law
	@ONPACE_TESTS=quick $(PYTHON) -m pytest -m "not slow" tests/sales tests/connectors tests/reports tests/publication

coverage: $(READY) $(CLIENTS) $(AIRBYTE) $(SERVERS) ## Lines and branches that the tests of the rooms reach
	@$(PYTHON) -m pytest $(WORKERS) --cov --cov-report=term tests/sales tests/connectors tests/reports tests/publication tests/assets tests/app tests/orchestration

# Independent clients of the embedded org: from the npm lock file.
$(CLIENTS): tests/clients/package-lock.json
	@command -v npm >/dev/null || { $(ROOT) apt-get update -qq; DEBIAN_FRONTEND=noninteractive $(ROOT) apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null; }
	@cd tests/clients && npm ci --silent --no-audit --no-fund
	@touch $@

# A connector that is used by many, in an environment of its own: its pins differ from ours. Python 3.14 is too new for it.
$(AIRBYTE): tests/clients/airbyte.lock | $(READY)
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 14))'; then \
	  $(PYTHON) -m venv --clear tests/clients/.venv; \
	  tests/clients/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement tests/clients/airbyte.lock; \
	else mkdir -p tests/clients/.venv; fi
	@touch $@

# veraPDF, the check of PDF/A and PDF/UA, runs on Java; what else it needs comes with the lock file. The ledger is tried on PostgreSQL.
$(SERVERS):
	@missing=""; command -v java >/dev/null || missing=default-jre-headless; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	[ -z "$$missing" ] || { $(ROOT) apt-get update -qq; DEBIAN_FRONTEND=noninteractive $(ROOT) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; }
	@$(GET_CHROME)
	@$(GET_PROXIES)
	@touch $@

clients: $(CLIENTS) $(AIRBYTE) $(SERVERS) ## Only the clients that tests use

bench: $(READY) $(AIRBYTE) ## Time, memory and skill of tables, forecasts, rendering and reading Salesforce, beside named peers
	@$(GET_CHROME)
	@$(PYTHON) -m benchmarks.month_end
	@$(PYTHON) -m benchmarks.printing
	@$(PYTHON) -m benchmarks.forecast_cost
	@$(PYTHON) -m benchmarks.forecast_skill
	@$(PYTHON) -m benchmarks.plan_skill
	@$(PYTHON) -m benchmarks.pulls
	@$(PYTHON) -m benchmarks.operations
	@$(PYTHON) -m benchmarks.lineage

bench-scale: $(READY) ## How the tables' cost grows, beside DuckDB and a daily history spine: SCALE="--large" or SCALE="--opportunities 1000000 --json"
	@$(PYTHON) -m benchmarks.scale $(SCALE)

mutants: $(READY) ## Plant small changes in sales/ and count how many its tests notice: MUTANTS="--seed 2 --count 500 --minutes 60"
	@$(PYTHON) -m benchmarks.mutants $(MUTANTS)

chaos: $(READY) ## Kill, overlap, fill, flip and damage on purpose, and count what survives: CHAOS="--seed 2 --kills 100"
	@$(PYTHON) -m tests.chaos $(CHAOS)

security: $(READY) $(SERVERS) ## Attacks on mail, UI, documents and proxies, and a million hostile inputs: SECURITY="--inputs 100000 --seed 2"
	@$(PYTHON) -m pytest -q $(ATTACKS)
	@$(PYTHON) -m tests.security $(SECURITY)

sbom: $(READY) ## What is installed, as CycloneDX in build/sbom.json, and its licences
	@$(PYTHON) -m tests.security.licences

audit: $(READY) ## Known weaknesses of what is installed; needs the network
	@[ -x .venv-audit/bin/pip-audit ] || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1; }
	@.venv-audit/bin/pip-audit --requirement requirements.lock --disable-pip --no-deps --progress-spinner off

docs: $(READY) ## The pages of docs/ that follow from code, and all of them as a site in site/, without network
	@$(PYTHON) -m docs.data_model
	@$(PYTHON) -m docs.reference
	@$(PYTHON) -m sphinx --fail-on-warning --keep-going --quiet --doctree-dir build/doctrees docs site
	@echo site/index.html

pages: $(READY) ## Contact sheets of every kind of page, for firms of several shapes, in build/pages
	@$(PYTHON) -m tests.reports.contact_sheets build/pages

screenshots: $(READY) $(SERVERS) ## The pictures of the Dagster UI in docs/, taken again
	@$(PYTHON) -m tests.end_to_end.screenshots

clean: ## Remove what setup made (never the data)
	@rm -rf $(VENV) .venv-audit tests/clients/node_modules tests/clients/.venv $(SERVERS) $(PROXIES)
