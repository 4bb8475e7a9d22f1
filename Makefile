# Everything a newcomer needs: `make demo` and `make test`. Both make their own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check lint types cov docs pictures bench-forecast lock wheel audit sbom soak clean
help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "monitor needs Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "monitor needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Install one and say: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) from pinned versions (once, about a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## the whole job against a simulated world, no keys (ARGS=--until-done ends by itself)
	@$(BIN)/monitor demo $(ARGS)

test: $(STAMP)  ## the tests, in random order and in parallel
	$(BIN)/python -m pytest -q -n $${WORKERS:-auto} --dist loadgroup $(ARGS)

.PHONY: tests
tests: test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types test  ## everything that must be green before a commit

cov: $(STAMP)  ## the tests with branch coverage of monitor/core
	$(BIN)/python -m pytest -q -n auto --cov=monitor --cov-branch --cov-report=term

docs: $(STAMP)  ## write the pages that are made from the code
	$(BIN)/python docs/build.py
	$(BIN)/python -m grafana.dashboards

pictures: $(STAMP)  ## take the documentation's pictures (needs chromium, prometheus and matplotlib)
	$(BIN)/python docs/pictures.py
	$(BIN)/python -m docs.runway_pictures
	$(BIN)/python -m docs.terminal_pictures
	$(BIN)/python -m docs.grafana_picture

bench-forecast: $(STAMP)  ## how good the forecast is, beside others' (ARGS=--quick: a minute)
	$(BIN)/python -m benchmarks.forecast.run $(ARGS)

LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q $(ARGS)
lock:  ## pin versions and hashes again (needs uv; ARGS=--upgrade takes the newest allowed)
	$(LOCK) pyproject.toml --group dev --all-extras -o requirements-dev.txt
	$(LOCK) pyproject.toml --extra apprise --extra charts -c requirements-dev.txt -o requirements.txt
	$(LOCK) .ci/build.in -c requirements-dev.txt -o .ci/build.txt
	$(LOCK) .ci/tools.in -o .ci/tools.txt

wheel: $(STAMP)  ## dist/monitor-VERSION-py3-none-any.whl, by the pinned build backend
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .
	@ls dist/*.whl

TOOLS := $(VENV)/tools
$(TOOLS)/.installed: .ci/tools.txt $(STAMP)
	@$(PYTHON) -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/tools.txt
	@touch $@

audit: $(TOOLS)/.installed  ## whether PyPI knows of a vulnerability in anything pinned (needs pypi.org)
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.txt --progress-spinner off
	$(TOOLS)/bin/pip-audit --strict --require-hashes --disable-pip -r .ci/tools.txt --progress-spinner off

sbom: $(TOOLS)/.installed  ## dist/monitor.cdx.json: what a production install consists of (CycloneDX)
	@$(PYTHON) -m venv --clear --without-pip $(VENV)/production
	@$(BIN)/python -m pip --python $(VENV)/production/bin/python install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@mkdir -p dist
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o dist/monitor.cdx.json $(VENV)/production

SOAK ?= 30m
soak: $(STAMP)  ## the real daemon in real time, faults coming and going: does it grow, lose, double? (SOAK=30m)
	$(BIN)/python -m benchmarks.soak.live --for $(SOAK) $(ARGS)

clean:  ## remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
