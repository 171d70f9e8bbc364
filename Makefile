# Two commands do all the set-up on a machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# Byte code comes as modules are imported: to compile all of torch takes longer than the demo, which imports little of it.
PIP    := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test bench check format install install-dev clean
.DEFAULT_GOAL := demo

demo: install ## run the main job on the demo model
	$(BIN)/benchy run configs/demo.yaml

test: install-dev ## run the tests
	$(BIN)/python -m pytest

bench: install-dev ## measure against plain lm_eval; `make bench BENCH=--quick` takes two pairs in place of five
	$(BIN)/python -m bench $(BENCH)

check: install-dev ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/installed
install-dev: $(VENV)/installed-dev

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[flow,worker]'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[flow,worker,dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
