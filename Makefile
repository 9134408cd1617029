PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt

# Two test processes: one thread for each model, and none that spins while it waits for the other.
PYTEST := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive MPLBACKEND=agg \
	$(BIN)/python -m pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test quick lint format check bench build clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(VENV)/.demo ## train on the embedded table; print the report, save it and the model
	$(BIN)/python examples/demo.py

test: $(VENV)/.test ## run the whole test suite
	$(PYTEST)

quick: $(VENV)/.test ## run the tests that are not slow
	$(PYTEST) -m "not slow"

lint: $(VENV)/.dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test ## what CI runs: lint, then test

bench: $(VENV)/.bench ## compare with hand-written code
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/networks.py

build: $(VENV)/.dev ## make the wheel and the source archive
	$(PIP_INSTALL) build
	$(BIN)/python -m build

clean: ## remove the environment, the caches and what was built
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache catboost_info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An empty file for each set of extras that is installed: pip runs again only when the pins change.
$(VENV)/.%: $(PINS) | $(BIN)/python
	@echo "Installing sktrainer[$*] into $(VENV) ..."
	$(PIP_INSTALL) --editable ".[$*]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
