# Each target sets up .venv if needed, with every package pinned by config/constraints.txt.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
AXE := axe-core@4.14.1
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint config/constraints.txt

.PHONY: help demo test check docs torture soak audit bench dbt superset clean
.DEFAULT_GOAL := help

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | while IFS='	' read -r target about; do printf '  make %-8s%s\n' "$$target" "$$about"; done

demo: $(READY) ## Run the whole pipeline in half a minute, without a Pyrus account or a database server
	@$(BIN)/pyrus-etl demo

test: check ## Run everything that CI runs: check, audit (a finding does not fail it), then the tests
	@$(MAKE) --no-print-directory --silent audit || echo "These vulnerabilities fail make audit, but not make test."
	@-if command -v npm > /dev/null && ! test -e .venv/$(AXE)/node_modules; then \
		npm install --silent --no-save --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 \
			--prefix .venv/$(AXE) $(AXE); fi # only some tests need it
	@$(BIN)/python -m compileall -q pyrus_etl migrations # hundreds of programs that the tests start import them
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q -n 4 --dist worksteal # keeps compiled tests: 4 s per worker

check: $(READY) ## Check style, types, import layers, and that the migrations create the declared tables
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Run $(BIN)/ruff format"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/mypy --no-error-summary docs config
	@$(BIN)/lint-imports --no-logo > .venv/layers || { cat .venv/layers; exit 1; }
	@home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
		env -u DATABASE_URL -u DATABASE_URL_FILE -u PYRUS_ETL_CONFIG -u XDG_DATA_HOME HOME="$$home" \
		$(BIN)/pyrus-etl db check --log-level WARNING

docs: $(READY) ## Generate the parts of docs/, config/ and deploy/ that are made from the code
	@$(BIN)/python docs/generate.py > .venv/tables.md
	@mv .venv/tables.md docs/tables.md
	@$(BIN)/python docs/settings.py docs/settings.md config/pyrus_etl.toml
	@$(BIN)/python docs/messages.py docs/troubleshooting.md
	@$(BIN)/python -m dashboards
	@$(BIN)/python docs/answers.py README.md docs/reports.md

torture: $(READY) ## Play random histories for SECONDS (default 3600), or the history of a SEED again
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seconds $(or $(SECONDS),3600))

soak: $(READY) ## Let serve run for MINUTES (default 60) with webhooks, faults, outages and restarts of its database
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) --log .venv/soak.log

audit: $(READY) ## List known vulnerabilities of the pinned packages; needs access to PyPI
	@$(PYTHON) -m venv .venv/audit
	@-.venv/audit/bin/python -m pip install -qq --disable-pip-version-check --requirement config/audit.txt
	@.venv/audit/bin/python -m pip_audit --requirement config/constraints.txt --no-deps --disable-pip \
		--progress-spinner off --timeout 10 --format json 2> .venv/audit.log | $(BIN)/python config/audit.py

bench: $(READY) ## Measure speed, memory and requests, compared with dlt; LARGE=1 adds a million tasks (20 minutes)
	@test -x .venv/bench/bin/python || $(PYTHON) -m venv .venv/bench
	@.venv/bench/bin/python -m pip install -qq --disable-pip-version-check --requirement config/bench.txt
	@$(BIN)/python -m tests.benchmarks --peers .venv/bench/bin/python --json docs/performance.json $(if $(LARGE),--large)

dbt: $(READY) ## Let dbt itself read and test what pyrus-etl dbt writes; needs access to PyPI
	@test -x .venv/dbt/bin/dbt || $(PYTHON) -m venv .venv/dbt
	@.venv/dbt/bin/python -m pip install -qq --disable-pip-version-check --requirement config/dbt.txt
	@$(BIN)/python -m tests.tools.dbt .venv/dbt/bin/dbt

superset: $(READY) ## Let Superset import, ask and draw its dashboard (5 minutes); needs access to PyPI
	@test -x .venv/superset/bin/superset || $(PYTHON) -m venv .venv/superset
	@.venv/superset/bin/python -m pip install -qq --disable-pip-version-check --requirement config/superset.txt
	@$(BIN)/python -m tests.tools.superset .venv/superset/bin .venv/superset.png

clean: ## Remove .venv and the files that tools leave behind
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	@find pyrus_etl tests migrations docs -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml config/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else 1)' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed. Choose one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (only once, about half a minute) …"
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation --editable '.[all,dev]'
	@touch $@
