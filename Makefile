PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt

# Two test processes with one thread per model. Passive waiting keeps idle OpenMP threads from spinning.
PYTEST := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive MPLBACKEND=agg \
	$(BIN)/python -m pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test quick lint format check bench build clean

help: ## show this list of targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(VENV)/.demo ## train on an included table, print the report, save the report and the model
	$(BIN)/python examples/demo.py

test: $(VENV)/.test ## run the full test suite
	$(PYTEST)

quick: $(VENV)/.test ## run the tests that are not marked slow
	$(PYTEST) -m "not slow"

lint: $(VENV)/.dev ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## let ruff fix and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: lint test ## run lint and test, as in CI

bench: $(VENV)/.bench ## compare training times with hand-written code
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/files.py

build: $(VENV)/.dev ## build the wheel and the source distribution
	$(PIP_INSTALL) build
	$(BIN)/python -m build

clean: ## remove the environment, caches and build artifacts
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache catboost_info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An empty file marks each installed set of extras, so pip runs again only if the pins change.
$(VENV)/.%: $(PINS) | $(BIN)/python
	@echo "Installing sktrainer[$*] into $(VENV) ..."
	$(PIP_INSTALL) --editable ".[$*]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
