PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt
OLDEST := .venv-oldest

# Two test processes with one thread per model. `tests/conftest.py` decides which tests share a
# process. Passive waiting keeps idle OpenMP threads from spinning.
PYTEST_ENV := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive MPLBACKEND=agg
PYTEST_ARGS := -m pytest -n 2 --dist loadfile
PYTEST := $(PYTEST_ENV) $(BIN)/python $(PYTEST_ARGS)

# Old releases call what newer releases of their own dependencies deprecate.
# The saved files in tests/ were written with the versions of constraints.txt.
OLDEST_WARNINGS := -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning \
	-W ignore::FutureWarning -W ignore::sklearn.exceptions.InconsistentVersionWarning

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test quick test-long test-oldest docs lint format check bench build clean

help: ## show this list of targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

demo: $(VENV)/.demo ## train on an included table, print the report, save the report and the model
	$(BIN)/python examples/demo.py

test: $(VENV)/.test ## run all tests that are not marked long; in CI, also one in ten of those
	$(PYTEST)

quick: $(VENV)/.test ## run the tests that are not marked slow or long
	$(PYTEST) -m "not slow"

test-long: $(VENV)/.dev ## run the tests marked long: fuzzing, repeated kills, every estimator, the documentation site
	$(PYTEST) -m long

test-oldest: $(OLDEST)/.test ## run the quick tests with the lower bounds of pyproject.toml
	$(PYTEST_ENV) $(OLDEST)/bin/python $(PYTEST_ARGS) -m "not slow" $(OLDEST_WARNINGS)

docs: $(VENV)/.docs ## build the documentation site into docs/_build/html; warnings are errors
	rm -rf docs/reference/generated
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

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
	rm -rf $(VENV) $(OLDEST) build dist docs/_build docs/auto_tutorials docs/reference/generated .hypothesis .mypy_cache .pytest_cache .ruff_cache catboost_info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An empty file marks each installed set of extras, so pip runs again only if the pins change.
$(VENV)/.%: $(PINS) | $(BIN)/python
	@echo "Installing sktrainer[$*] into $(VENV) ..."
	$(PIP_INSTALL) --editable ".[$*]"
	@touch $@

$(OLDEST)/.test: $(PINS) tests/lower_bounds.py
	@echo "Installing the lower bounds of sktrainer[test] into $(OLDEST) ..."
	$(PYTHON) -m venv --clear $(OLDEST)
	$(PYTHON) tests/lower_bounds.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c $(OLDEST)/constraints.txt --editable ".[test]"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
