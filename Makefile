.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

help: ## what a person can do here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing; install Python 3.11, or name one: make PYTHON=…"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "error: $(PYTHON) is not Python 3.11, which Glue 5.1 runs"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "error: no venv could be made; install Python's venv package"; exit 2; }
	@touch $@

$(VENV)/.local: locks/local.txt $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/local.txt
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.local
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

$(VENV)/.jars: jars/packages.txt jars/SHA256SUMS $(VENV)/.local
	@$(BIN)/python jars/fetch.py
	@touch $@

setup: $(VENV)/.local $(VENV)/.jars ## set up what the jobs need: Python packages, a Java, jars
setup-dev: setup $(VENV)/.dev ## set up what development needs as well

demo: setup ## run the jobs on real input, and show what comes out
	@$(BIN)/python examples/demo.py

test: setup-dev ## run all tests
	@$(BIN)/python -m pytest

test-fast: setup-dev ## run the tests without the slow ones, in about two minutes
	@$(BIN)/python -m pytest -m "not slow"

laws: setup-dev ## hold the jobs to their laws over more generated histories (SEEDS=5)
	@LAKEWRIGHT_LAW_SEEDS=$(or $(SEEDS),5) $(BIN)/python -m pytest tests/jobs/test_cdc_laws.py tests/jobs/test_csv_laws.py \
		tests/jobs/test_event_laws.py tests/jobs/test_scrub_laws.py

faults: setup-dev ## run every job through every fault of S3, and write the table into docs/operations.md (ONLY="JOB …")
	@$(BIN)/python -m tests.faults.fault_table $(ONLY)

kills: setup-dev ## kill every job N times at random and compare the reruns, written to docs/operations.md (N=40 SEED=1 JOB=…)
	@$(BIN)/python -m tests.faults.random_kills $(or $(N),40) "$(SEED)" $(JOB)

lint: setup-dev ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup-dev ## measure against what a user would run instead (SCALE=1)
	@$(BIN)/python bench/csv_to_parquet.py --scale $(or $(SCALE),1)
	@$(BIN)/python bench/json_scrub.py
	@$(BIN)/python bench/flatten_events.py
	@$(BIN)/python bench/cdc_to_hudi.py

schemas: setup ## write the JSON schemas and the reference of feeds (conf/schemas/, docs/feeds.md)
	@$(BIN)/python -m jobs check --schema conf/schemas
	@$(BIN)/python -m jobs.cli.reference

wheel: setup-dev ## build the wheel
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# What `sam build` calls for each function: its handler, the wheel, and what that needs of PyPI.
build-ScheduleScrub: FUNCTION = schedule_scrub
build-ScrubExpired: FUNCTION = scrub_expired
build-ScheduleScrub build-ScrubExpired:
	$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: --python-version 3.11 --platform manylinux2014_x86_64 \
		--target $(ARTIFACTS_DIR) -r locks/lambda.txt
	$(PYTHON) -m pip install --quiet --no-deps --target $(ARTIFACTS_DIR) .
	cp deploy/lambdas/$(FUNCTION)/handler.py $(ARTIFACTS_DIR)/

lock: ## pin the Python packages and the jars anew (needs uv)
	uv pip compile setup.py --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/lambda.txt
	uv pip compile setup.py --extra local --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/local.txt
	uv pip compile setup.py --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/dev.txt
	$(BIN)/python jars/fetch.py --lock

clean: ## remove what the demo made
	rm -rf lake

.PHONY: help setup setup-dev demo test test-fast laws faults kills lint bench schemas wheel build-ScheduleScrub build-ScrubExpired lock clean
