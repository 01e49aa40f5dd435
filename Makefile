.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

LOG := $(VENV)/setup.log

# A step of the set-up: one line here, its output in the log; if it fails, the end of the log.
define step
@echo "$(1) (log: $(LOG))"
@{ $(2); } >>$(LOG) 2>&1 || { tail -n 12 $(LOG) >&2; echo "error: this step failed; the whole log is $(LOG)" >&2; exit 1; }
endef

# Docker Compose, if a docker engine answers.
DOCKER := docker info >/dev/null 2>&1 || { echo "error: no docker engine answers; 'make test-lane LANE=glue-5.0' needs none" >&2; exit 2; }; \
	docker compose -f docker/compose.yaml

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-12s %s\n", $$1, $$2 }'

NEEDS_PYTHON = command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is missing; install Python 3.11, or name one: make PYTHON=…"; exit 2; }

$(VENV)/.made:
	@$(NEEDS_PYTHON)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "error: $(PYTHON) is not Python 3.11, which Glue 5.1 runs"; exit 2; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: no venv could be made; install Python's venv package"; exit 2; }
	@touch $@

$(VENV)/.core: locks/core.txt $(VENV)/.made
	$(call step,Installing Python packages,$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<)
	@touch $@

$(VENV)/.local: locks/local.txt $(VENV)/.core
	$(call step,Installing Spark and a Java,$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<)
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.local
	$(call step,Installing Python packages for development,$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<)
	@touch $@

$(VENV)/.jars: jars/packages.txt jars/SHA256SUMS $(VENV)/.local
	$(call step,Fetching jars,$(BIN)/python -m jobs jars)
	@touch $@

setup: $(VENV)/.local $(VENV)/.jars ## install what the jobs need: Python packages, a Java, jars
setup-dev: setup $(VENV)/.dev ## install what development needs as well

demo: $(VENV)/.core ## run the jobs on example data in ./lake and show the tables; Spark is fetched for the last of them
	@$(BIN)/python examples/demo.py core
	@$(MAKE) --no-print-directory setup
	@$(BIN)/python examples/demo.py hudi

walkthrough: setup ## run the source systems' worked examples and compare each table with the expected one (ONLY="NAME …")
	@$(BIN)/python examples/walkthrough.py $(ONLY)

$(VENV)/.archive: tests/spark_jvm.py $(VENV)/.jars $(VENV)/.dev
	$(call step,Archiving the classes of Spark for tests,$(BIN)/python -m tests.spark_jvm)
	@touch $@

# Each worker has a Spark of its own, so that their number follows the memory rather than the cores.
WORKERS := 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test: setup-dev $(VENV)/.archive ## run the tests (WORKERS=2)
	@$(PYTEST) -m "not matrix"

test-matrix: setup-dev $(VENV)/.archive ## run the cases of Hudi tests (storage, type, stage of a kill) that make test leaves out
	@$(PYTEST) -m matrix

test-fast: setup-dev ## run the tests that are not slow, in about three minutes
	@$(PYTEST) -m "not slow"

test-pages: setup-dev ## open the pages in Debian's Chromium, headless (SCREENSHOTS=FOLDER keeps pictures)
	@command -v chromium >/dev/null || { echo "error: chromium is missing; install Debian's package: apt-get install chromium" >&2; exit 2; }
	@LAKEWRIGHT_SCREENSHOTS=$(SCREENSHOTS) $(BIN)/python -m pytest tests/pages/browser_*.py

test-lanes: ## run the tests in the versions of every supported runtime and write the table in docs/runtimes.md
	@$(NEEDS_PYTHON)
	@PYTHON_3_11=$(PYTHON) $(PYTHON) -m lanes.run; code=$$?; $(BIN)/python -m pytest tests/lanes/continued_tables.py && exit $$code

test-lane: ## run the tests in the versions of one runtime (LANE=glue-5.0 ONLY=FILE)
	@test -n "$(LANE)" || { echo "error: name a lane: make test-lane LANE=glue-5.0" >&2; exit 2; }
	@$(NEEDS_PYTHON)
	@PYTHON_3_11=$(PYTHON) $(PYTHON) -m lanes.run $(LANE) $(if $(ONLY),--only $(ONLY))

docker-test: ## run the tests in the docker image of Glue 5.0
	@$(DOCKER) run --rm --build tests

docker-shell: ## open a shell in the docker image of Glue 5.0, on this checkout
	@$(DOCKER) run --rm --build shell

laws: setup-dev ## run the property tests over more generated histories (SEEDS=5)
	@LAKEWRIGHT_LAW_SEEDS=$(or $(SEEDS),5) $(BIN)/python -m pytest tests/jobs/test_cdc_laws.py tests/jobs/test_csv_laws.py \
		tests/jobs/test_event_laws.py tests/jobs/test_scrub_laws.py tests/lakewright/quality/sql/test_against_library.py \
		tests/transforms/spark/test_typed_rows_laws.py tests/replay/test_csv_replay_laws.py \
		tests/replay/test_change_replay_laws.py tests/replay/test_event_replay.py

faults: setup-dev ## run every job against every S3 fault and write the table in docs/operations.md (ONLY="JOB …")
	@$(BIN)/python -m tests.faults.fault_table $(ONLY)

kills: setup-dev ## kill every job N times at random and write the table in docs/operations.md (N=40 SEED=1 JOB=…)
	@$(BIN)/python -m tests.faults.random_kills $(or $(N),40) "$(SEED)" $(JOB)
	@$(if $(JOB),,$(BIN)/python -m pytest tests/faults/killed_compactions.py)

lint: setup-dev ## run ruff, mypy --strict, import-linter, hadolint, check-jsonschema
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/compose.yaml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/ci.yml

bench: setup-dev ## compare the jobs with hand-written alternatives (SCALE=1)
	@$(BIN)/python bench/csv_to_parquet.py --scale $(or $(SCALE),1)
	@$(BIN)/python bench/json_scrub.py
	@$(BIN)/python bench/flatten_events.py
	@$(BIN)/python bench/cdc_to_hudi.py

# About 90 minutes on two idle cores: batches 40, tables 20, objects 12, deletes 10, events 8. SIZES=1,2,4 takes 20.
GROWTH_SIZES := 1,4,16
growth: setup-dev ## measure how cost grows with the work, and write the table in docs/growth.md (ONLY="NAME …" SIZES=1,4,16)
	@$(BIN)/python -m bench.growth $(or $(ONLY),--all) --sizes $(or $(SIZES),$(GROWTH_SIZES))

schemas: setup ## write conf/schemas/, docs/feeds.md and docs/receipt.schema.json from the models
	@$(BIN)/python -m jobs check --schema conf/schemas
	@$(BIN)/python -m jobs.cli.reference

wheel: setup-dev ## build the wheel into dist/
	@$(BIN)/python deploy/package.py wheel

package: setup-dev ## build all that AWS needs into dist/: wheel, Lambdas, environment, scripts, config, checksums
	@$(BIN)/python deploy/package.py

# The tools of the templates have a venv of their own, since they pin what lakewright needs in other versions. Their
# requirements contradict each other too (locks/deploy/overrides.txt), hence --no-deps.
DEPLOY := .deploy
$(DEPLOY)/.python $(DEPLOY)/.node: LOG := $(DEPLOY)/setup.log

$(DEPLOY)/.python: locks/deploy.txt
	@$(NEEDS_PYTHON)
	@mkdir -p $(DEPLOY)
	$(call step,Installing the tools of the templates,$(PYTHON) -m venv $(DEPLOY) && $(DEPLOY)/bin/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r $<)
	@touch $@

$(DEPLOY)/.node: locks/deploy/package.json locks/deploy/package-lock.json
	@command -v npm >/dev/null || { echo "error: npm is missing; install Node.js 20, which asl-validator needs" >&2; exit 2; }
	@mkdir -p $(DEPLOY)
	@cp $^ $(DEPLOY)/
	$(call step,Installing asl-validator,npm ci --ignore-scripts --prefix $(DEPLOY))
	@touch $@

deploy-check: $(DEPLOY)/.python $(DEPLOY)/.node ## check the templates and state machines offline: cfn-lint, sam, asl-validator, statelint, checkov
	@$(DEPLOY)/bin/python -m deploy.checks.static

deploy-local: $(DEPLOY)/.python ## deploy the templates into a local AWS and check every call of the end-to-end tests against its IAM
	@$(DEPLOY)/bin/python -m deploy.checks.local

# What a lane installs: what its runtime ships (runtime.txt), and beside it what the project and its tests need, in the
# versions of locks/dev.txt.
define lock_lane
cp locks/dev.txt lanes/$(1)/project.txt
uv pip compile setup.py --extra dev --override lanes/$(1)/constraints.txt $(RUNTIME:%=--no-emit-package %) --universal --python-version $(2) --generate-hashes --no-emit-index-url --no-header --no-annotate -o lanes/$(1)/project.txt
uv pip compile lanes/$(1)/constraints.txt --constraint lanes/$(1)/project.txt --universal --python-version $(2) --generate-hashes --no-emit-index-url --no-header --no-annotate -o lanes/$(1)/runtime.txt
endef
RUNTIME := awsgluedataplanepython numpy pandas py4j pyarrow pyspark

lock: ## pin the Python packages and the jars again (needs uv)
	uv pip compile setup.py --extra lambda --no-emit-package rich --no-emit-package pygments --no-emit-package markdown-it-py --no-emit-package mdurl --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/lambda.txt
	uv pip compile setup.py --extra spark --no-emit-package pyspark --no-emit-package py4j --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/cluster.txt
	uv pip compile setup.py --extra core --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/core.txt
	uv pip compile setup.py --extra local --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/local.txt
	uv pip compile setup.py --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/dev.txt
	uv pip compile locks/deploy/requirements.in --override locks/deploy/overrides.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -o locks/deploy.txt
	npm install --package-lock-only --ignore-scripts --prefix locks/deploy
	$(BIN)/python -c 'from lakewright.engine.spark.jars import lock_jars; lock_jars()'
	$(call lock_lane,glue-5.0,3.11)
	$(call lock_lane,glue-6.0,3.13)
	$(BIN)/python -m lanes.jars --lock glue-5.0
	$(BIN)/python -m lanes.jars --lock hudi-1.1

clean: ## delete the demo's lake
	rm -rf lake

.PHONY: help setup setup-dev demo walkthrough test test-matrix test-fast test-pages test-lanes test-lane docker-test docker-shell laws faults kills lint bench growth schemas wheel package deploy-check deploy-local lock clean
