# Nothing but make and Python 3.11 or later is needed for `make demo`. `make help` says what there is.
.POSIX:
.SUFFIXES:

PYTHON = python3
VENV = .venv
BIN = $(VENV)/bin
FAST = tests/unit tests/demo tests/servers tests/typo3 tests/standin tests/invariants tests/web
SLOW = tests/browser tests/faults
PARALLEL = --numprocesses 3 --dist loadfile --no-loadscope-reorder
ON_EVERY_ENGINE = tests/unit/test_query.py tests/unit/test_sync.py tests/unit/test_status.py tests/unit/test_documents.py tests/unit/test_cli.py tests/web
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo demo-reset test coverage lint typo3-lint typo3-zip faults tokens benchmarks screenshots lock sbom clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /make \1|/' | awk -F '|' '{ printf "  %-18s %s\n", $$1, $$2 }'

demo: $(VENV)/.ready ## run everything with example data until Ctrl-C (DEMO_PORT_BASE=18000 moves the ports)
	@exec $(BIN)/mieterportal demo

demo-reset: $(VENV)/.ready ## throw the example data away and start the demo anew
	@exec $(BIN)/mieterportal demo --reset

test: lint ## everything that proves the product; says at the end what could not run here
	@mkdir -p var && rm -f var/test-summary.txt
	@status=0; \
	$(BIN)/python -m pytest $(PARALLEL) $(FAST) || status=$$?; \
	for engine in postgresql mariadb; do \
	$(BIN)/python -m pytest $(PARALLEL) --engine $$engine $(ON_EVERY_ENGINE) || status=$$?; done; \
	$(BIN)/python -m pytest $(PARALLEL) $(SLOW) || status=$$?; \
	typo3_extension/Build/functional.sh >> var/lint-not-run.txt || status=$$?; \
	echo; cat var/test-summary.txt var/lint-not-run.txt || status=2; exit $$status

coverage: $(VENV)/.ready-dev ## which lines the fast tests run; at least 95 % of them (ten minutes)
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(PARALLEL) $(FAST)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(VENV)/.ready-dev node_modules/.ready typo3-lint ## style, types, layers, templates, style sheets and scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint --profile=jinja --ignore=J018 templates service/demo/templates service/standin/templates
	@if [ -x node_modules/.bin/biome ]; then node_modules/.bin/biome check; \
	elif [ "$$CI" = true ]; then echo "biome is missing: npm is needed" >&2; exit 1; \
	else echo "not run: biome (style sheets and scripts): npm is not installed (apt-get install npm)" >> var/lint-not-run.txt; fi

typo3-lint: $(VENV)/.ready-dev ## the TYPO3 extension: PHP's syntax, style (PER-CS), unit tests
	@mkdir -p var && : > var/lint-not-run.txt
	$(BIN)/python typo3_extension/Build/style.py
	@if command -v phpunit >/dev/null; then \
	find typo3_extension -name '*.php' -print0 | xargs -0 -n 1 -P 2 php -l >var/php-lint.txt || { cat var/php-lint.txt; exit 1; }; \
	phpunit -c typo3_extension/Build/phpunit.xml; \
	elif [ "$$CI" = true ]; then echo "phpunit is missing" >&2; exit 1; \
	else echo "not run: PHP's syntax and unit tests of the TYPO3 extension: PHPUnit is not installed (apt-get install phpunit)" \
	>> var/lint-not-run.txt; fi

typo3-zip: $(BIN)/python ## the TYPO3 extension as an archive for the TYPO3 Extension Repository, in var/
	@$(BIN)/python typo3_extension/Build/archive.py var

faults: $(VENV)/.ready-dev ## measure every promise of delivery on every engine, at full size (hours), and keep the table
	$(BIN)/python -m tests.faults --record docs/reliability.md
	$(MAKE) tokens

tokens: $(VENV)/.ready-dev ## show 100,000 changed, cut and mixed-up tokens and codes to the portal (half an hour)
	HYPOTHESIS_EXAMPLES=100000 $(BIN)/python -m pytest tests/invariants/test_tokens_of_every_kind.py

benchmarks: $(VENV)/.ready-dev ## how fast Vorgänge go to immotion, as a ratio to what this machine allows
	$(BIN)/python -m benchmarks.forwarding

screenshots: $(VENV)/.ready-dev ## pictures of all pages, narrow and wide, light and dark, in var/screenshots
	$(BIN)/python -m tests.demo.screenshots var/screenshots

lock: var/lock/bin/uv ## resolve the dependencies anew, with hashes and without addresses
	var/lock/bin/uv pip compile pyproject.toml --group build $(LOCK) --output-file requirements.txt
	var/lock/bin/uv pip compile pyproject.toml --group build --group dev $(LOCK) --output-file requirements-dev.txt

LOCK = --upgrade --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11

sbom: var/sbom/bin/cyclonedx-py ## list every library of this version with its hashes (CycloneDX) in var/sbom.json
	var/sbom/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --of JSON -o var/sbom.json

clean: ## remove what was built and measured; the demo's data and the environment stay
	rm -rf build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf var/screenshots var/lock var/sbom var/sbom.json var/test-summary.txt var/lint-not-run.txt
	find cms_adapters service tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or later is needed. Is it there by another name? make demo PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies …"
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt pyproject.toml $(VENV)/.ready
	@echo "Installing the locked dependencies of tests and checks …"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

node_modules/.ready: package-lock.json
	@if command -v npm >/dev/null; then npm install --no-save --ignore-scripts --silent && touch $@; fi

var/sbom/bin/cyclonedx-py:
	$(PYTHON) -m venv var/sbom
	var/sbom/bin/python -m pip --disable-pip-version-check --quiet install cyclonedx-bom

var/lock/bin/uv:
	$(PYTHON) -m venv var/lock
	var/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
