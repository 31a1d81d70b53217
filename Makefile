# Targets that people use; `make help` lists them. Everything lives in .venv: nothing is installed outside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MARK := $(VENV)/.installed

# Tests start nscr a thousand times: compiled anew each time, that would be most of what they take.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help torture test lint unit bench seeds gate-runs soak clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

torture: $(MARK) ## torture the reference registry with 8 workers for 20 s
	@$(BIN)/nscr torture --workers 8 --duration 20s

test: lint ## lint, types, import contracts, and every test that this machine can run
	@NSCR_TEST_THOROUGH=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(MARK)-dev
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

unit: $(MARK)-dev ## the tests without sockets and processes, in seconds
	@$(BIN)/pytest -q tests/unit

bench: $(MARK)-dev ## speed, side by side with what one would compare it to (reads need nginx); wants a quiet machine
	@NSCR_BENCHMARKS=1 $(BIN)/pytest -q -s tests/benchmarks

seeds: $(MARK)-dev ## every scenario with ten seeds against the reference registry: all of them must be VALID
	@NSCR_TEST_SEEDS=$${NSCR_TEST_SEEDS:-10} NSCR_TEST_OPERATIONS=$${NSCR_TEST_OPERATIONS:-4000} NSCR_TEST_WRITTEN_DOWN=1 \
	    $(BIN)/pytest -n 2 tests/e2e/test_torture.py tests/e2e/test_foreign_registry.py -k "stays_so or written_down"

gate-runs: $(MARK)-dev ## the gate beside writers, 20 times: nobody is accused, and what is broken is found each time
	@NSCR_TEST_GATE_RUNS=$${NSCR_TEST_GATE_RUNS:-20} $(BIN)/pytest -q -s tests/e2e/test_gate_busy.py

soak: $(MARK)-dev ## 200 kills under load and 10 minutes of collections; goes on where it was interrupted
	@NSCR_SOAK_CYCLES=$${NSCR_SOAK_CYCLES:-200} NSCR_SOAK_MINUTES=$${NSCR_SOAK_MINUTES:-10} \
	    NSCR_SOAK_FOLDER=$${NSCR_SOAK_FOLDER:-reports/soak} $(BIN)/pytest -q -s tests/soak

clean: ## remove the environment and all caches
	@rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist


$(MARK): pyproject.toml | $(BIN)/python
	@echo "nscr: installing into $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(MARK)-dev: pyproject.toml | $(BIN)/python
	@echo "nscr: installing with the development tools into $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(MARK) $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
	    { echo "nscr: Python is missing: apt-get install python3 python3-venv (3.11 or newer)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "nscr: $$($(PYTHON) --version 2>&1) is too old: 3.11 or newer is needed (make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "nscr: Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
