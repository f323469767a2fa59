# Every target sets itself up first: a virtual environment in .venv with the pinned requirements, made once and kept fresh.
# Needed on the machine: Python 3.11, 3.12 or 3.13, make, and a package index that pip is set up for.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format bench audit lock clean setup spark

# What the caller's shell has activated must not matter.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH CONDA_PREFIX
export DAGSTER_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

SERVE ?= 1
SPARK ?= 1
JOBS ?= 2
PYTHONS := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3 python)
BIN := .venv/bin
READY := .venv/.ready
READY_SPARK := .venv/.ready-spark

help: ## show the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z]*\):.*## /  \1|/p' Makefile | while IFS='|' read -r name text; do printf '%-8s %s\n' "$$name" "$$text"; done

run: $(READY) ## make the demo hospital, run the whole way, publish, then serve; SERVE=0 ends after publishing
	@$(BIN)/niji demo
	@if [ "$(SERVE)" != 0 ]; then exec $(BIN)/niji serve; fi

test: $(if $(filter 0,$(SPARK)),,$(READY_SPARK)) lint ## check, then run all tests, those of Spark too; SPARK=0 leaves Spark out
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint: $(READY) ## check import directions, types, code style and format
	@echo "Checking import directions"
	@$(BIN)/lint-imports --no-logo > .venv/imports.txt 2>&1 || { cat .venv/imports.txt; echo "fix: imports run pipelines → catalog → anonymization → policies; move what is shared down"; exit 1; }
	@echo "Checking types"
	@$(BIN)/mypy --no-error-summary || { echo "fix: mend the types above; an ignore names its code and its reason"; exit 1; }
	@echo "Checking style and format"
	@$(BIN)/ruff check --quiet || { echo "fix: mend the lines above, or run: make format"; exit 1; }
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --check; echo "fix: run: make format"; exit 1; }

format: $(READY) ## write the format, and mend what can be mended safely
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --fix --quiet

bench: $(READY) ## measure time and memory; see tests/benchmarks/README.md
	@$(BIN)/python tests/benchmarks/run.py

audit: $(READY) ## audit the differential privacy in depth, ten times the runs of make test
	@NIJI_AUDIT_RUNS=20000 $(BIN)/python -m pytest -q -p tests.support.audit_report tests/attacks/test_dp_audit*.py

lock: ## resolve requirements.in and requirements-spark.in anew, with hashes, for Python 3.11 to 3.13 (needs uv)
	@command -v uv > /dev/null || { echo "make lock needs uv; fix: install it with your package manager or pipx"; exit 1; }
	@uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 requirements.in --output-file requirements.txt
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11 requirements-spark.in --output-file requirements-spark.txt
	@echo "requirements.txt and requirements-spark.txt are written; look at them with: git diff requirements*.txt"

clean: ## remove the environment and caches; what was published stays in .niji
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	@find anonymization catalog pipelines policies tests -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(READY) ## only set up

spark: $(READY_SPARK) ## set up the second engine, Spark (needs a Java runtime to run)

$(READY_SPARK): requirements-spark.txt $(READY)
	@echo "Installing Spark (some 450 MB; the first time takes a few minutes)"
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --require-hashes -r requirements-spark.txt || { echo "fix: check that pip reaches its package index (pip config list), then run make again; SPARK=0 leaves Spark out"; exit 1; }
	@touch $@

# Every dependency is pinned with its hash, so pip resolves nothing (--no-deps), and the build uses the pinned setuptools.
$(READY): requirements.txt pyproject.toml
	@python=; for name in $(PYTHONS); do \
	  if "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' > /dev/null 2>&1; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 found (looked for: $(PYTHONS))."; \
	  echo "fix: install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' > /dev/null 2>&1; then \
	  echo "Making .venv with $$("$$python" --version)"; \
	  rm -rf .venv; \
	  "$$python" -m venv .venv || { rm -rf .venv; echo "fix: this Python cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }; \
	fi
	@echo "Installing the pinned requirements (the first time takes a few minutes)"
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements.txt || { echo "fix: check that pip reaches its package index (pip config list), then run make again"; exit 1; }
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable . || { echo "fix: read pip's message above, then run make again; make clean starts from nothing"; exit 1; }
	@touch $@
